/** A whole node in this process, on free ports, with a caller in a thread of its own. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { readConfig } from '../../src/config.ts'
import type { Log } from '../../src/kernel/log.ts'
import { type RunningNode, startNode } from '../../src/node.ts'
import { Api } from './api.ts'
import { FarPhone } from './far-phone.ts'
import { until } from './until.ts'

export const NUMBER = '+899300300'

export interface House {
  readonly node: RunningNode
  readonly api: Api
  readonly phone: FarPhone
}

/**
 * @param rtpPorts a range no other test uses
 * @param more of the environment
 */
export async function openHouse(
  t: TestContext,
  rtpPorts: string,
  more: Readonly<Record<string, string>> = {},
  log?: Log,
): Promise<House> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quietline-e2e-'))
  const node = await startNode(
    readConfig({
      QUIETLINE_DATA_DIR: dataDir,
      QUIETLINE_HTTP_PORT: '0',
      QUIETLINE_SIP_PORT: '0',
      QUIETLINE_DEMO: '0',
      QUIETLINE_RTP_PORTS: rtpPorts,
      QUIETLINE_LOG_LEVEL: 'silent',
      ...more,
    }),
    log,
  )
  t.after(async () => {
    await node.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const base = `http://127.0.0.1:${node.httpPort}/v1.0`
  const api = new Api({ base, token: node.accessKey, customerId: node.customerId })
  await api.answeringNumber(NUMBER)
  await api.listen()
  t.after(() => api.close())
  const phone = await FarPhone.open(node.sipPort, 'caller')
  t.after(() => phone.close())
  return { node, api, phone }
}

/** The caller phones the number. @returns the id of the call, which is up */
export async function phoneIn({ api, phone }: House): Promise<string> {
  const before = api.of('call_progressing').length
  await phone.call(NUMBER)
  if (!phone.isUp) throw new Error(`the call was refused: ${JSON.stringify(phone.end)}`)
  await until('the call is told', () => api.of('call_progressing').length > before)
  return String(api.of('call_progressing').at(-1).id)
}
