/**
 * The shape of a log: fields first, a fixed message second. What people said goes only into fields that start with
 * `pii.`, which are dropped unless the operator asks for them (`QUIETLINE_LOG_PII=1`).
 */

export interface LogFields {
  readonly [name: string]: unknown
}

export interface Log {
  error(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
}

/** For tests and tools that want no log. */
export const SILENT: Log = { error() {}, warn() {}, info() {}, debug() {} }
