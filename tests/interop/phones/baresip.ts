/**
 * baresip 1.0 without a keyboard or sound card: commands and events over its control port, a WAV file for a microphone,
 * and what it decoded in the dumps of its `sndfile` filter.
 */

import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { growingWav } from '../lines.ts'
import { Program } from '../program.ts'
import { freePorts, HERE } from '../tools.ts'
import { until } from '../until.ts'
import type { PhoneOptions, PhoneState, RealPhone, Registration } from './phone.ts'

/** As far as an answer can say: `{"response":true,...}` or `{"event":true,"type":"CALL_RINGING",...}`. */
interface Message {
  readonly event?: boolean
  readonly type?: string
}

const STATES: Readonly<Record<string, PhoneState>> = {
  CALL_OUTGOING: 'calling',
  CALL_RINGING: 'calling',
  CALL_PROGRESS: 'calling',
  CALL_INCOMING: 'ringing',
  CALL_ESTABLISHED: 'up',
  CALL_CLOSED: 'idle',
}

const REGISTRATIONS: Readonly<Record<string, Registration>> = {
  REGISTER_OK: 'registered',
  REGISTER_FAIL: 'refused',
  UNREGISTERING: 'unknown',
}

export class Baresip implements RealPhone {
  readonly #program: Program
  readonly #control: Socket
  readonly #folder: string
  readonly #domain: string
  registration: Registration = 'unknown'
  state: PhoneState = 'idle'

  static async open(options: PhoneOptions): Promise<Baresip> {
    const [sipPort, controlPort, rtpPort] = [await freePorts(), await freePorts(), await freePorts()]
    mkdirSync(path.join(options.folder, 'dumps'), { recursive: true })
    const write = (name: string, lines: readonly string[]): void =>
      writeFileSync(path.join(options.folder, name), `${lines.join('\n')}\n`)
    write('config', configOf(options, sipPort, controlPort, rtpPort))
    write('accounts', [accountOf(options)])
    write('contacts', [])
    const program = new Program({ command: 'baresip', args: ['-f', options.folder], cwd: options.folder })
    try {
      await program.says(/baresip is ready/)
      const control = connect(controlPort, HERE)
      await until('the control port of baresip', () => control.readyState === 'open')
      return new Baresip(program, control, options)
    } catch (cause) {
      await program.close()
      throw cause
    }
  }

  private constructor(program: Program, control: Socket, { folder, domain, sipPort }: PhoneOptions) {
    this.#domain = domain ?? `${HERE}:${sipPort}`
    this.#program = program
    this.#control = control
    this.#folder = folder
    const netstrings = new Netstrings((text) => this.#told(JSON.parse(text) as Message))
    control.on('data', (bytes: Buffer) => netstrings.push(bytes))
    control.on('error', () => {})
    // The first answer may be older than this connection.
    if (/\b200 OK\b/.test(program.output)) this.registration = 'registered'
    else if (/\b40[13] /.test(program.output)) this.registration = 'refused'
  }

  get words(): string {
    return this.#program.output
  }

  heard(): Int16Array {
    const dumps = globSync('dumps/*-dec.wav', { cwd: this.#folder }).sort()
    const parts = dumps.map((file) => growingWav(path.join(this.#folder, file)))
    return Int16Array.from(parts.flatMap((part) => [...part]))
  }

  call(target: string): void {
    this.#command('dial', target)
  }

  answer(): void {
    this.#command('accept')
  }

  hangup(): void {
    this.#command('hangup')
  }

  say(wavFile: string): void {
    this.#command('ausrc', `aufile,${wavFile}`)
  }

  press(digit: string): void {
    this.#command('sndcode', digit)
  }

  transfer(target: string): void {
    this.#command('transfer', `sip:${target}@${this.#domain}`)
  }

  hold(): void {
    this.#command('hold')
  }

  resume(): void {
    this.#command('resume')
  }

  async close(): Promise<void> {
    if (this.#program.isRunning) {
      this.#command('quit')
      await this.#program.ended(5_000).catch(() => {})
    }
    this.#control.destroy()
    await this.#program.close()
  }

  #command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command })
    this.#control.write(`${Buffer.byteLength(text)}:${text},`)
  }

  #told({ event, type }: Message): void {
    if (event !== true || type === undefined) return
    this.state = STATES[type] ?? this.state
    this.registration = REGISTRATIONS[type] ?? this.registration
  }
}

/** As baresip names them: by the rate of the sound. */
const CODECS = { PCMU: 'PCMU/8000/1', PCMA: 'PCMA/8000/1', G722: 'G722/16000/1', opus: 'opus/48000/2' } as const

function accountOf(options: PhoneOptions): string {
  const {
    user,
    password,
    domain,
    sipPort,
    transport = 'udp',
    srtp,
    codecs = ['PCMU', 'PCMA'],
    ptimeMs,
    keysByInfo,
  } = options
  const server = `${HERE}:${sipPort}`
  const parameters = [
    `transport=${transport}`,
    ...(domain === undefined ? [] : [`outbound="sip:${server};transport=${transport}"`]),
    `auth_user=${user}`,
    `auth_pass=${password}`,
    'regint=600',
    'answermode=manual',
    `audio_codecs=${codecs.map((codec) => CODECS[codec]).join(',')}`,
    ...(ptimeMs === undefined ? [] : [`ptime=${ptimeMs}`]),
    ...(keysByInfo ? ['dtmfmode=info'] : []),
    ...(srtp === undefined ? [] : [`mediaenc=${srtp === 'only' ? 'srtp-mand' : 'srtp'}`]),
  ]
  const [inUri, ...rest] = parameters
  return `<sip:${user}@${domain ?? server};${inUri}>;${rest.join(';')}`
}

function configOf(
  { folder, silence, caFile }: PhoneOptions,
  sipPort: number,
  controlPort: number,
  rtpPort: number,
): string[] {
  return [
    'poll_method epoll',
    // It takes the next port too, for TLS.
    `sip_listen ${HERE}:${sipPort}`,
    ...(caFile === undefined ? [] : [`sip_cafile ${caFile}`]),
    `ctrl_tcp_listen ${HERE}:${controlPort}`,
    `rtp_ports ${rtpPort}-${rtpPort + 8}`,
    'call_local_timeout 120',
    'call_max_calls 4',
    `audio_source aufile,${silence}`,
    'audio_player aubridge,nowhere',
    'audio_alert aubridge,nowhere',
    'ausrc_srate 8000',
    'ausrc_channels 1',
    'auplay_srate 8000',
    'auplay_channels 1',
    `snd_path ${path.join(folder, 'dumps')}`,
    'module_path /usr/lib/baresip/modules',
    ...['g711', 'g722', 'opus', 'aufile', 'aubridge', 'sndfile', 'srtp'].map((name) => `module ${name}.so`),
    ...['account', 'menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
  ]
}

/** `12:{"a":"b c d"},` one after another, cut anywhere. */
class Netstrings {
  readonly #each: (text: string) => void
  #rest: Buffer = Buffer.alloc(0)

  constructor(each: (text: string) => void) {
    this.#each = each
  }

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const colon = this.#rest.indexOf(':')
      const length = Number(this.#rest.subarray(0, colon).toString())
      if (colon < 0 || this.#rest.length < colon + 1 + length + 1) return
      this.#each(this.#rest.subarray(colon + 1, colon + 1 + length).toString())
      this.#rest = this.#rest.subarray(colon + 1 + length + 1)
    }
  }
}
