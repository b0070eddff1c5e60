/** Graphs of MuseTalk with few channels and random weights; made by scripts/export/make_narrow.py. */
export const NARROW_FOLDER = `${import.meta.dirname}/musetalk-narrow`;
