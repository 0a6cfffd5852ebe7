/** The documents' curl commands, run by curl as they are written but for host, credentials and sample ids. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { HERE } from './tools.ts'
import type { Doc } from './world.ts'

export interface CurlAnswer {
  readonly status: number
  readonly body: Doc
}

/** The commands of one document, in its order. */
export function curlCommands(seed: string): string[] {
  return readFileSync(path.join(import.meta.dirname, `seed-${seed}-curl.txt`), 'utf8')
    .trim()
    .split(/\n\n(?=curl)/)
}

/**
 * @param replacements placeholders and sample ids, each with what stands for it here
 * @param env variables that the shell puts in, such as `VOIPBIN_TOKEN`
 */
export async function curl(
  command: string,
  httpPort: number,
  replacements: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<CurlAnswer> {
  let text = command.replace('https://api.voipbin.net', `http://${HERE}:${httpPort}`)
  for (const [sample, value] of Object.entries(replacements)) text = text.replaceAll(sample, value)
  assert.doesNotMatch(text, /<[A-Za-z_-]+>/, 'a placeholder is left')
  const asked = text.replace(/^curl/, `curl --silent --write-out '\\n%{http_code}'`)
  const { stdout } = await promisify(execFile)('bash', ['-c', asked], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
  const end = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(end + 1)), body: JSON.parse(stdout.slice(0, end)) as Doc }
}
