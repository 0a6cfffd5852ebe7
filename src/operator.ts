/** The operator's commands: they ask the server that runs on this machine, with the key of its data folder. */

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Config, ConfigError, OPERATOR_KEY_FILE } from './config.ts'
import { hostOf } from './node-start.ts'

/**
 * `quietline drain [seconds]`, `quietline drain off`.
 * @returns the exit code
 */
export async function askToDrain(config: Config, [what = '3600']: readonly string[]): Promise<number> {
  const isOff = what === 'off'
  if (!isOff && !/^\d{1,5}$/.test(what))
    throw new ConfigError('drain: give the seconds that calls may go on, or "off".')
  const body = JSON.stringify({ deadline_seconds: Number(what) })
  const answer = await askOperator(config, '/drain', isOff ? { method: 'DELETE' } : { method: 'POST', body })
  const { draining, calls, seconds_left: left } = (await answer.json()) as Record<string, unknown>
  process.stdout.write(
    draining === true
      ? `quietline: draining; ${calls} calls are up and may go on for ${left} s\n`
      : 'quietline: new calls are taken\n',
  )
  return 0
}

/** @throws ConfigError in words for a person when there is no server, or it does not know us */
export async function askOperator(config: Config, url: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${keyOf(config)}`, 'content-type': 'application/json' }
  const where = `http://${hostOf(config.bind)}:${config.httpPort}`
  const answer = await fetch(`${where}${url}`, { ...init, headers }).catch(() => null)
  if (answer === null) throw new ConfigError(`no server answers at ${where}.`)
  if (!answer.ok) throw new ConfigError(`the server at ${where} answered ${answer.status}: is this its data folder?`)
  return answer
}

function keyOf({ operatorKey, dataDir }: Config): string {
  if (operatorKey !== null) return operatorKey
  const file = path.resolve(dataDir, OPERATOR_KEY_FILE)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new ConfigError(`the key in "${file}" cannot be read: is the server running, and with this data folder?`)
  }
}
