/**
 * `quietline demo`: a whole server on free ports with its demo agent, one simulated caller over real SIP and RTP, and a
 * verdict. Shows the conversation, writes `demo.wav` (left caller, right agent) and ends with one line of JSON.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { printStereoWav } from '../audio/wav.ts'
import { ConfigError, readConfig } from '../config.ts'
import { RealClock } from '../drivers/real-clock.ts'
import { UdpNetwork } from '../net/udp.ts'
import { startNode } from '../node.ts'
import { Phone } from '../phone/user-agent.ts'
import { holdCall, type Told, untold } from './caller/caller.ts'
import { judge } from './caller/judge.ts'
import { RECORDING_RATE_HZ } from './caller/recording.ts'
import { Screen } from './caller/screen.ts'
import { SCRIPT } from './caller/script.ts'
import { speakIntoMemory } from './caller/voice.ts'

const HERE = '127.0.0.1'
const WAV_FILE = 'demo.wav'
const AGENT_START_LIMIT_MS = 20_000
/** Exit code of a program that was stopped from the keyboard. */
const INTERRUPTED = 130

/** @returns the exit code: 0 when every claim held, 1 otherwise, with the reason in words */
export async function runDemo(): Promise<number> {
  await using parts = new AsyncDisposableStack()
  process.once('SIGINT', () => void parts.disposeAsync().finally(() => process.exit(INTERRUPTED)))
  const write = (text: string): void => void process.stdout.write(text)
  const screen = new Screen({ write, colour: process.stdout.isTTY === true && process.stdout.hasColors() })
  screen.heading('Quietline demo: a simulated caller phones the demo agent, over SIP and RTP on this machine.')
  const told = await demoCall(parts, screen).catch((cause: unknown) => {
    if (cause instanceof ConfigError) throw cause
    return untold(cause instanceof Error ? cause.message : String(cause))
  })
  return parts.disposed ? INTERRUPTED : report(told, screen)
}

async function demoCall(parts: AsyncDisposableStack, screen: Screen): Promise<Told> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quietline-demo-'))
  parts.defer(() => rm(dataDir, { recursive: true, force: true }))
  const clock = new RealClock()
  const sounds = await speakIntoMemory(SCRIPT.map(({ text }) => text))
  const node = await startNode(configIn(dataDir))
  parts.defer(() => node.close())
  await agentReady(node.demoReady)
  const phone = await Phone.open({
    network: new UdpNetwork(),
    clock,
    localAddress: HERE,
    server: { address: HERE, port: node.sipPort },
    user: 'demo-caller',
    seed: dataDir,
  })
  parts.defer(() => phone.close())
  screen.legend()
  return holdCall({
    clock,
    phone,
    api: { base: `http://${HERE}:${node.httpPort}/v1.0`, token: node.accessKey, customerId: node.customerId },
    number: node.demoNumber,
    script: SCRIPT,
    voiceOf: (line) => sounds[SCRIPT.indexOf(line)]!,
    screen,
  })
}

/** Rejects when the agent takes too long. */
async function agentReady(ready: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('The demo agent did not start.')), AGENT_START_LIMIT_MS)
  await Promise.race([ready, late.promise]).finally(() => clearTimeout(timer))
}

function configIn(dataDir: string): ReturnType<typeof readConfig> {
  return readConfig({
    QUIETLINE_DATA_DIR: dataDir,
    QUIETLINE_BIND: HERE,
    QUIETLINE_HTTP_PORT: '0',
    QUIETLINE_SIP_PORT: '0',
    QUIETLINE_DEMO: '1',
  })
}

async function report(told: Told, screen: Screen): Promise<number> {
  const { left, right } = told.recording.channels()
  const { verdict, failures, turnMs } = judge(told.evidence)
  screen.verdict(failures)
  if (left.length > 0) {
    await writeFile(WAV_FILE, printStereoWav(left, right, RECORDING_RATE_HZ))
    screen.note(`Caller's last sound to the agent's first, heard by the caller: ${turnMs.map(shownMs).join(', ')} ms.`)
    screen.note(`The call is in ${WAV_FILE}: left the caller, right the agent. The caller is a synthetic voice.`)
  }
  process.stdout.write(`${JSON.stringify(verdict)}\n`)
  return verdict.ok ? 0 : 1
}

function shownMs(ms: number | null): string {
  return ms === null ? '-' : String(Math.round(ms))
}
