/** Timer values (RFC 3261 table 4, RFC 6026 §7.1), in ms. Over a reliable transport the waiting ones are 0. */

export const T1 = 500
export const T2 = 4_000
export const T4 = 5_000
/** How long anything is tried at all: timers B, F, H, L, M and the wait for an ACK. */
export const GIVE_UP_MS = 64 * T1
/** Timer D: how long a client answers repeated failures. */
export const REPEATED_FAILURE_MS = 32_000
