/** The log of a real process: JSON lines on stderr by pino. Fields that start with `pii.` are left out unless asked for. */

import pino from 'pino'
import type { Log, LogFields } from '../kernel/log.ts'

export function openLog(level: 'error' | 'warn' | 'info' | 'debug' | 'silent', withPii: boolean): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: false }),
  )
  const clean = (fields: LogFields): LogFields => {
    if (withPii || !Object.keys(fields).some((name) => name.startsWith('pii.'))) return fields
    return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith('pii.')))
  }
  return {
    error: (fields, message) => logger.error(clean(fields), message),
    warn: (fields, message) => logger.warn(clean(fields), message),
    info: (fields, message) => logger.info(clean(fields), message),
    debug: (fields, message) => logger.debug(clean(fields), message),
  }
}
