import { AppError, type ErrorCode } from '../errors.ts';

/** `ok`: as it should be. `advice`: usable, could be better. `refused`: cannot be used. */
export type FindingLevel = 'ok' | 'advice' | 'refused';

/** What was looked at. */
export type FindingSubject =
  | 'file'
  | 'faces'
  | 'missing_face'
  | 'face_size'
  | 'pose'
  | 'blur'
  | 'mouth_open'
  | 'eyes_closed'
  | 'cuts'
  | 'repeated_frames'
  | 'loop';

/** One thing that was found out about an avatar's pictures. */
export interface Finding {
  readonly subject: FindingSubject;
  readonly level: FindingLevel;
  /** The clip it is about, `idle_0`; null if it is about all. */
  readonly clip: string | null;
  /** Where it is seen best: number of a picture of that clip, from 0 and at 25 a second; null if it is not about one. */
  readonly frame: number | null;
  /** The measure behind it in the unit that `found` names; null where there is none. */
  readonly value: number | null;
  /** What was found: a sentence for people. */
  readonly found: string;
  /** What to do about it: a sentence for people; null if it is fine. */
  readonly advice: string | null;
}

/** What is to be known about an avatar's pictures before people talk through it. */
export interface AvatarReport {
  /** The worst of the findings. */
  readonly level: FindingLevel;
  /** In the order of {@link FindingSubject}, clip by clip. */
  readonly findings: readonly Finding[];
}

/** A source that cannot become an avatar, with all that was found out about it until then. */
export class AvatarRefused extends AppError {
  readonly report: AvatarReport;

  constructor(code: ErrorCode, message: string, report: AvatarReport, options?: { cause?: unknown }) {
    super(code, message, options);
    this.report = report;
  }
}

export function reportOf(findings: readonly Finding[]): AvatarReport {
  const isThere = (level: FindingLevel) => findings.some((finding) => finding.level === level);
  return { level: isThere('refused') ? 'refused' : isThere('advice') ? 'advice' : 'ok', findings };
}

const MARK: Readonly<Record<FindingLevel, string>> = { ok: '+', advice: '!', refused: 'x' };

/** For people: one line per finding, with what to do about it; each ends with a line break. */
export function formatReport({ findings }: AvatarReport): string {
  return findings
    .map(({ level, clip, frame, found, advice }) => {
      const where = [clip, frame === null ? null : `frame ${frame}`].filter((part) => part !== null).join(', ');
      return `  ${MARK[level]} ${where ? `${where}: ` : ''}${found}${advice ? ` ${advice}` : ''}\n`;
    })
    .join('');
}
