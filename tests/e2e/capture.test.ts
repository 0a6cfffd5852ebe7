/** A capture as an operator takes it: the ladder of a call that was never captured on purpose, and a file that tcpdump reads. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Api } from './api.ts'
import { FarPhone } from './far-phone.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const NUMBER = '+899300303'

test('a call is captured: its signalling always, its sound when asked, for nobody but its customer', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'quietline-capture-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const server = new ServerProcess({ QUIETLINE_DATA_DIR: dir, QUIETLINE_RTP_PORTS: '23600-23798' })
  t.after(() => (server.exit ? undefined : server.stop('SIGKILL')))
  await server.up()
  const api = new Api({ base: server.base, token: server.accessKey!, customerId: server.customerId })
  await api.answeringNumber(NUMBER)
  const phone = await FarPhone.open(server.sipPort, 'caller')
  t.after(() => phone.close())
  await phone.call(NUMBER)
  await until('the call is there', async () => (await api.must('GET', '/calls?status=progressing')).result.length === 1)
  const [{ id }] = (await api.must('GET', '/calls?status=progressing')).result

  const signalled = await api.must('GET', `/calls/${id}/capture`)
  assert.equal(signalled.status, 'none')
  assert.match(signalled.ladder[0], / 0\.000 s .* INVITE SDP -+> us {3}udp$/)
  assert.ok(
    signalled.ladder.some((line: string) => /<-+ 200 OK \(INVITE\) SDP/.test(line)),
    signalled.ladder.join('\n'),
  )

  assert.equal((await api.must('POST', `/calls/${id}/capture`, {})).status, 'capturing')
  await until('sound is captured', async () => (await api.must('GET', `/calls/${id}/capture`)).media_packets >= 100)
  const stopped = await api.must('DELETE', `/calls/${id}/capture`)
  assert.equal(stopped.status, 'done')
  const streams = stopped.ladder.filter((line: string) => / RTP PCMU /.test(line))
  assert.equal(streams.length, 2, stopped.ladder.join('\n'))

  const answer = await fetch(`${server.base}/calls/${id}/capture.pcap`, {
    headers: { authorization: `Bearer ${server.accessKey}` },
  })
  const file = Buffer.from(await answer.arrayBuffer())
  assert.equal(answer.headers.get('content-type'), 'application/vnd.tcpdump.pcap')
  assert.equal(file.readUInt32BE(0), 0xa1b2c3d4)
  readByTcpdump(t, dir, file, server.sipPort)

  phone.hangup()
  await until('it is over', async () => (await api.must('GET', `/calls/${id}`)).status === 'hangup')
  assert.ok((await api.must('GET', `/calls/${id}/capture`)).ladder.some((line: string) => / BYE -+> us/.test(line)))
  assert.equal((await api.ask('POST', `/calls/${id}/capture`, {})).status, 400)
})

function readByTcpdump(t: { diagnostic(text: string): void }, dir: string, file: Buffer, sipPort: number): void {
  const name = path.join(dir, 'call.pcap')
  writeFileSync(name, file)
  const read = spawnSync('tcpdump', ['-nn', '-r', name, 'udp'], { encoding: 'utf8' })
  if (read.error) return t.diagnostic('tcpdump is not here: its reading of the file is not checked')
  const lines = read.stdout.split('\n')
  assert.ok(
    lines.some((line) => line.includes(`.${sipPort}: `)),
    read.stdout.slice(0, 500),
  )
  assert.ok(lines.filter((line) => / length 172/.test(line)).length >= 100, read.stdout.slice(0, 500))
}
