/** The ways that sessions come into being: our page's `/ws`, the frame service, `/api`, the Streamer's REST, a WHIP publisher. */
export const DOORS = ['page', 'frames', 'rest', 'streamer', 'whip'] as const;
export type Door = (typeof DOORS)[number];

/** Who a session belongs to. */
export interface SessionOwner {
  readonly door: Door;
  /** Name of the key that it counts against; `anyone` where access is free. */
  readonly subject: string;
  /** Sessions that the subject may hold at once, over all doors; null for no limit of its own. */
  readonly maxSessions: number | null;
}
