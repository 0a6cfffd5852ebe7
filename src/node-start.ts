/** What a start needs of the machine: files, ports, names; and what a person is told when it cannot be had. */

import { randomBytes } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Config, ConfigError, OPERATOR_KEY_FILE } from './config.ts'
import type { RealClock } from './drivers/real-clock.ts'
import type { Log } from './kernel/log.ts'
import { Certificates } from './net/certificates.ts'
import { DEFAULT_PHRASES, readPhrases } from './speech/phrases.ts'
import { WorkerStore } from './store/sqlite/worker-store.ts'

export function phrasesOf(config: Config): readonly string[] {
  if (config.sttPhrases === null) return DEFAULT_PHRASES
  try {
    const phrases = readPhrases(readFileSync(config.sttPhrases, 'utf8'))
    if (phrases.length > 0) return phrases
  } catch {
    throw new ConfigError(`QUIETLINE_STT_PHRASES: the file "${config.sttPhrases}" cannot be read.`)
  }
  throw new ConfigError(`QUIETLINE_STT_PHRASES: the file "${config.sttPhrases}" holds no sentence.`)
}

export async function openStore(config: Config, clock: RealClock, log: Log): Promise<WorkerStore> {
  const dir = path.resolve(config.dataDir)
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    accessSync(dir, constants.W_OK | constants.X_OK)
  } catch {
    throw new ConfigError(`QUIETLINE_DATA_DIR: the folder "${dir}" cannot be made or written.`)
  }
  try {
    const dataKeys = [config.dataKey, ...config.oldDataKeys].filter((key) => key !== null)
    const { synchronous } = config
    return await WorkerStore.open({ path: path.join(dir, 'quietline.db'), clock, synchronous, dataKeys, log })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`The store in "${dir}" cannot be opened: ${why.replace(/\.$/, '')}.`)
  }
}

export function openCertificates(config: Config, clock: RealClock, log: Log): Certificates {
  try {
    return new Certificates({ own: config.sipTls, caFile: config.tlsCaFile }, clock, log)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`QUIETLINE_TLS_CERT, QUIETLINE_TLS_KEY or QUIETLINE_TLS_CA cannot be used: ${why}.`)
  }
}

/** Each leg takes an even port and the odd one above it. */
export function legsOf([first, last]: readonly [number, number]): number {
  return Math.max(1, Math.floor((last - first) / 2))
}

/** Whoever can read the data folder is the operator. */
export async function operatorKey({ operatorKey: given, dataDir }: Config): Promise<string> {
  if (given !== null) return given
  const key = randomBytes(24).toString('base64url')
  await writeFile(path.join(dataDir, OPERATOR_KEY_FILE), key, { mode: 0o600 })
  return key
}

export function refusePort(cause: unknown, what: string, setting: string, bind: string, port: number): never {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  if (code === 'EADDRINUSE')
    throw new ConfigError(`${what} port ${port} on ${bind} is taken. Stop what uses it, or set ${setting}.`)
  if (code === 'EACCES')
    throw new ConfigError(`${what} port ${port} on ${bind} may not be used by this user. Set ${setting}.`)
  if (code === 'EADDRNOTAVAIL') throw new ConfigError(`QUIETLINE_BIND: this machine has no address ${bind}.`)
  throw cause
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

export function hostOf(address: string): string {
  if (isWildcard(address)) return '127.0.0.1'
  return address.includes(':') ? `[${address}]` : address
}
