/**
 * How long a property is tried with ever new values: some seconds, or `FUZZ_SECONDS`, of which continuous integration takes
 * more. For `fc.assert(…, fuzz())`.
 *
 * @param seconds When the environment says nothing.
 */
export function fuzz(seconds = 2) {
  const limitS = Number(process.env.FUZZ_SECONDS ?? seconds);
  return {
    numRuns: 1_000_000,
    interruptAfterTimeLimit: limitS * 1000,
    // Time is over when it is over; only a value that breaks the property is a failure.
    markInterruptAsFailure: false,
  };
}
