/** What the page says about a face that somebody brings in. */

/**
 * @typedef {import('./own-faces.js').Job} Job
 * @typedef {import('./own-faces.js').Finding} Finding
 */

export const CHOOSE =
  'A photo, or five to ten seconds of video, of one person: looking into the camera, mouth closed, head and shoulders in the picture.';
export const CAMERA = 'Put your face into the oval, look into the camera and close your mouth.';
export const DETAILS = 'The picture will be cut to a square around the face.';

/** Where the job stands, in a sentence. @param {Job} job */
export function progressWords(job) {
  switch (job.phase) {
    case 'sending':
      return job.share < 1 ? `Sending: ${Math.floor(job.share * 100)} %` : 'Sent. The server is looking at it…';
    case 'waiting':
      return 'Another face is being prepared. Yours is next in line.';
    case 'preparing':
      // The share would be read out with every step.
      return job.share < 0.7 ? 'Finding the face in the picture…' : 'Bringing the face to life…';
    case 'ready':
      return hasAdvice(job.report?.findings) ? 'It works. It could be better still:' : `${job.name} is ready to speak.`;
    case 'failed':
      return refusal(job)?.found ?? job.problem;
  }
}

/**
 * How far the job is, 0..1: sending takes the first fifth.
 *
 * @param {Job} job
 * @returns {number | null} Null while nobody knows.
 */
export function progressShare(job) {
  if (job.phase === 'sending') return job.share / 5;
  return job.phase === 'preparing' ? 0.2 + 0.8 * job.share : null;
}

/**
 * What is worth telling of a report: nothing of what is fine.
 *
 * @param {Job} job
 * @returns {Finding[]}
 */
export function findingsToTell(job) {
  if (job.phase !== 'ready' && job.phase !== 'failed') return [];
  const findings = (job.report?.findings ?? []).filter(({ level }) => level !== 'ok');
  const told = job.phase === 'failed' ? refusal(job) : undefined;
  // Of what the person reads already, what to do about it is left.
  return findings.flatMap((each) =>
    each !== told ? each : each.advice ? { ...each, found: each.advice, advice: null } : [],
  );
}

/** Why the picture cannot be used, in the words of the report: those of the problem are for operators too. @param {Job & { phase: 'failed' }} job */
function refusal({ report }) {
  return report?.findings.find(({ level }) => level === 'refused');
}

/** @param {Finding[] | undefined} findings */
function hasAdvice(findings) {
  return findings?.some(({ level }) => level === 'advice') ?? false;
}

/**
 * A name for the face from that of its file: `Eva_2024.jpg` → `Eva 2024`; '' for the names that cameras give.
 *
 * @param {string} file
 */
export function nameFromFile(file) {
  const words = file
    .replace(/\.[^.]*$/, '')
    .replace(/[_-]+/g, ' ')
    .trim();
  return /^(img|dsc|pxl|vid|photo|image|portrait|screenshot|whatsapp|face)?[\s\d.()]*$/i.test(words)
    ? ''
    : words.slice(0, 64);
}
