import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Finding, formatReport, reportOf } from './avatar-report.ts';

const fine: Finding = {
  subject: 'faces',
  level: 'ok',
  clip: null,
  frame: null,
  value: 1,
  found: 'One face.',
  advice: null,
};
const blurred: Finding = {
  subject: 'blur',
  level: 'advice',
  clip: 'idle_0',
  frame: 12,
  value: 3,
  found: 'The face is blurred.',
  advice: 'Film with more light.',
};

test('a report is as bad as the worst of its findings', () => {
  assert.equal(reportOf([]).level, 'ok');
  assert.equal(reportOf([fine]).level, 'ok');
  assert.equal(reportOf([fine, blurred]).level, 'advice');
  assert.equal(reportOf([blurred, { ...fine, level: 'refused' }, fine]).level, 'refused');
});

test('people read one line per finding: where, what was found and what to do', () => {
  assert.equal(
    formatReport(reportOf([fine, blurred])),
    '  + One face.\n  ! idle_0, frame 12: The face is blurred. Film with more light.\n',
  );
});
