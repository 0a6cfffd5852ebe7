/** RTP counters wrap. They are compared only here; 0 is a value like any other. */

/** How far `b` is ahead of `a`, from -32,768 to 32,767. */
export function sequenceDistance(a: number, b: number): number {
  return ((b - a) << 16) >> 16
}

/** How far `b` is ahead of `a` in RTP time, from -2^31 to 2^31 - 1. */
export function timeDistance(a: number, b: number): number {
  return (b - a) | 0
}

export function nextSequence(sequence: number, by = 1): number {
  return (sequence + by) & 0xffff
}

export function laterTime(rtpTime: number, by: number): number {
  return (rtpTime + by) >>> 0
}
