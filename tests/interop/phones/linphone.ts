/** linphonec 5.1, driven by its own command line: a WAV file for a microphone, another for a loudspeaker. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { growingWav } from '../lines.ts'
import { Program } from '../program.ts'
import { freePorts, HERE } from '../tools.ts'
import type { PhoneOptions, PhoneState, RealPhone, Registration } from './phone.ts'

/** Registrations are told nowhere else. */
const LOG = 'log'

export class Linphone implements RealPhone {
  readonly #program: Program
  readonly #recording: string
  readonly #log: string
  readonly #server: string
  readonly #domain: string

  static async open(options: PhoneOptions): Promise<Linphone> {
    const [sipPort, rtpPort] = [await freePorts(), await freePorts()]
    // Without the folder of its database it does not even open a SIP port.
    mkdirSync(path.join(options.folder, '.local/share/linphone'), { recursive: true })
    const file = path.join(options.folder, 'linphonerc')
    writeFileSync(file, `${configOf(sipPort, rtpPort, options).join('\n')}\n`)
    const program = new Program({
      ...commandOf(options.namespace?.name, ['-c', file, '-d', '6', '-l', path.join(options.folder, LOG)]),
      cwd: options.folder,
    })
    try {
      await program.says(/linphonec>/)
      return new Linphone(program, options)
    } catch (cause) {
      await program.close()
      throw cause
    }
  }

  private constructor(
    program: Program,
    { folder, server = HERE, sipPort, user, password, domain, silence, linphoneNet, transport = 'udp' }: PhoneOptions,
  ) {
    this.#program = program
    this.#server = `${server}:${sipPort}`
    this.#domain = domain ?? this.#server
    this.#log = path.join(folder, LOG)
    this.#recording = path.join(folder, 'heard.wav')
    program.type('soundcard use files')
    for (const command of linphoneNet ?? []) program.type(command)
    program.type(`play ${silence}`)
    program.type(`record ${this.#recording}`)
    program.type(`register sip:${user}@${this.#domain} sip:${this.#server};transport=${transport} ${password}`)
  }

  get words(): string {
    return this.#program.output
  }

  get registration(): Registration {
    return last<Registration>(
      existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '',
      [
        [/\[LinphoneRegistrationOk\] on core/g, 'registered'],
        [/\[LinphoneRegistrationFailed\] on core/g, 'refused'],
        [/\[LinphoneRegistrationCleared\] on core/g, 'unknown'],
      ],
      'unknown',
    )
  }

  get state(): PhoneState {
    return last<PhoneState>(
      this.words,
      [
        [/Call \d+ to \S+ in progress/g, 'calling'],
        [/Receiving new incoming call/g, 'ringing'],
        [/Call \d+ with .* connected|Media streams established|is now paused/g, 'up'],
        [/Call \d+ with .* (?:ended|error)/g, 'idle'],
      ],
      'idle',
    )
  }

  heard(): Int16Array {
    return existsSync(this.#recording) ? growingWav(this.#recording) : new Int16Array(0)
  }

  call(target: string): void {
    this.#program.type(`call sip:${target}@${this.#domain}`)
  }

  answer(): void {
    this.#program.type('answer')
  }

  hangup(): void {
    this.#program.type('terminate')
  }

  say(wavFile: string): void {
    this.#program.type(`play ${wavFile}`)
  }

  press(digit: string): void {
    this.#program.type(digit)
  }

  transfer(target: string): void {
    this.#program.type(`transfer sip:${target}@${this.#domain}`)
  }

  hold(): void {
    this.#program.type('pause')
  }

  resume(): void {
    this.#program.type('resume')
  }

  async close(): Promise<void> {
    // Refused, it waits for another password and takes nothing else.
    if (this.#program.isRunning && this.registration !== 'refused') {
      this.#program.type('unregister')
      this.#program.type('quit')
      await this.#program.ended(8_000).catch(() => {})
    }
    await this.#program.close()
  }
}

function commandOf(
  namespace: string | undefined,
  args: readonly string[],
): { command: string; args: readonly string[] } {
  if (namespace === undefined) return { command: 'linphonec', args }
  return { command: 'ip', args: ['netns', 'exec', namespace, 'linphonec', ...args] }
}

/** The value whose pattern matches last in the text. */
function last<T>(text: string, cases: readonly (readonly [RegExp, T])[], otherwise: T): T {
  let found = otherwise
  let at = -1
  for (const [pattern, value] of cases) {
    for (const match of text.matchAll(pattern)) {
      if (match.index >= at) [at, found] = [match.index, value]
    }
  }
  return found
}

function configOf(
  sipPort: number,
  rtpPort: number,
  { namespace, transport = 'udp', caFile, srtp, keysByInfo }: PhoneOptions,
): string[] {
  return [
    '[sip]',
    `sip_port=${transport === 'udp' ? sipPort : 0}`,
    `sip_tcp_port=${transport === 'tcp' ? sipPort : 0}`,
    `sip_tls_port=${transport === 'tls' ? sipPort : 0}`,
    ...(caFile === undefined ? [] : [`root_ca=${caFile}`]),
    `bind_address=${namespace?.address ?? HERE}`,
    'guess_hostname=0',
    `use_info=${keysByInfo ? 1 : 0}`,
    `use_rfc2833=${keysByInfo ? 0 : 1}`,
    'register_only_when_network_is_up=0',
    `media_encryption=${srtp === undefined ? 'none' : 'srtp'}`,
    `media_encryption_mandatory=${srtp === 'only' ? 1 : 0}`,
    '[rtp]',
    `audio_rtp_port=${rtpPort}-${rtpPort + 8}`,
    '[sound]',
    'echocancellation=0',
    '[video]',
    'enabled=0',
    'capture=0',
    'display=0',
    'automatically_initiate=0',
    'automatically_accept=0',
    '[net]',
    'firewall_policy=none',
  ]
}
