import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a look at `/metrics` says. */
export interface ReadExposition {
  readonly samples: readonly Sample[];
  /** Kind of each family: counter, gauge, histogram. */
  readonly kinds: ReadonlyMap<string, string>;
}

/**
 * Reads the text format of Prometheus and fails on whatever its documentation does not allow: a sample without the HELP and
 * TYPE of its family, a name or number that is none, a series told twice, a histogram whose buckets do not add up.
 */
export function readExposition(text: string): ReadExposition {
  const kinds = new Map<string, string>();
  const helped = new Set<string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const help = /^# HELP ([a-zA-Z_:][\w:]*) \S.*$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary)$/.exec(line);
    if (help) helped.add(help[1]);
    else if (type) {
      assert.ok(!kinds.has(type[1]), `${type[1]} is told twice`);
      kinds.set(type[1], type[2]);
    } else samples.push(readSample(line, seen));
  }
  for (const { name } of samples) {
    const family = kinds.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    assert.ok(kinds.has(family) && helped.has(family), `${name} has neither HELP nor TYPE`);
    if (kinds.get(family) === 'counter') assert.match(name, /_total$/);
  }
  for (const [family, kind] of kinds) if (kind === 'histogram') checkHistogram(family, samples);
  return { samples, kinds };
}

function readSample(line: string, seen: Set<string>): Sample {
  const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  assert.ok(parts, `this is no sample: ${line}`);
  const [, name, labelText = '', number] = parts;
  const labels: Record<string, string> = {};
  const rest = labelText.replace(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"(,|$)/g, (_all, label, value) => {
    labels[label] = value;
    return '';
  });
  assert.equal(rest, '', `these are no labels: ${labelText}`);
  // Numbers are read as Go does, in any case of letters; what is not known yet is NaN.
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  assert.ok(!Number.isNaN(value) || /^nan$/i.test(number), `${name} is no number: ${number}`);
  const series = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
  assert.ok(!seen.has(series), `${series} is told twice`);
  seen.add(series);
  return { name, labels, value };
}

function checkHistogram(family: string, samples: readonly Sample[]): void {
  const withoutBorder = ({ labels: { le: _le, ...labels } }: Sample) => JSON.stringify(labels);
  for (const count of samples.filter(({ name }) => name === `${family}_count`)) {
    const buckets = samples.filter(
      (sample) => sample.name === `${family}_bucket` && withoutBorder(sample) === withoutBorder(count),
    );
    const borders = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)));
    for (let at = 1; at < buckets.length; at += 1) {
      assert.ok(borders[at] > borders[at - 1], `${family}: border ${borders[at]} after ${borders[at - 1]}`);
      assert.ok(
        buckets[at].value >= buckets[at - 1].value,
        `${family}: bucket ${borders[at]} holds less than the one before`,
      );
    }
    assert.equal(borders.at(-1), Number.POSITIVE_INFINITY);
    assert.equal(buckets.at(-1)?.value, count.value, `${family}: the last bucket is not all`);
  }
}
