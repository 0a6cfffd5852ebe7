/** The only reader of the environment. Everything is checked once; a bad value is one clear sentence. */

import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { isCountry } from './contract/phone-number.ts'
import type { CodecName } from './media/protocol.ts'

export interface Config {
  readonly dataDir: string
  readonly bind: string
  /** Told to far ends in SIP and SDP; null = the address of the flow. */
  readonly publicAddress: string | null
  readonly httpPort: number
  readonly sipPort: number
  /** Our side of ICE, which is the lite one: with phones that offer it, in our own offers too, or not at all. */
  readonly ice: 'answer' | 'offer' | 'off'
  /** Also listened for on `sipPort`. */
  readonly sipTcp: boolean
  /** Null: no certificate, no listener. */
  readonly sipTls: { readonly port: number; readonly certFile: string; readonly keyFile: string } | null
  /** PEM file trusted besides the system's authorities. */
  readonly tlsCaFile: string | null
  /** In the order they are offered. */
  readonly sipDigest: readonly ('SHA-256' | 'SHA-512-256' | 'MD5')[]
  readonly trustLoopback: boolean
  /** Address or address:port of name servers; empty: the system's. */
  readonly dnsServers: readonly string[]
  readonly rtpPorts: readonly [first: number, last: number]
  /** Of calls whose trunk does not say. */
  readonly srtp: 'off' | 'optional' | 'required'
  /** In the order they are offered. */
  readonly codecs: readonly CodecName[]
  readonly baseDomain: string
  readonly signup: 'open' | 'closed' | 'first'
  readonly sttPhrases: string | null
  readonly demo: boolean
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug' | 'silent'
  readonly logPii: boolean
  readonly dataKey: string | null
  /** Hex; read with, never written with. */
  readonly oldDataKeys: readonly string[]
  /** Of customers that have not chosen; null = kept for good. */
  readonly retentionDays: number | null
  readonly synchronous: 'normal' | 'full'
  readonly dialTimeoutMs: number
  readonly maxCallMs: number
  readonly maxCalls: number
  /** ISO code; '' = none: national numbers are refused. */
  readonly defaultCountry: string
  /** A SIP address; '' = emergency calls are refused. */
  readonly emergencyRoute: string
  /** Of one customer; 0 = as many as they like. */
  readonly requestsPerSecond: number
  readonly decoders: number
  readonly mediaThreads: number
  /** Never set by the environment: a module that opens a pool in place of the recognisers (tests/bench/door.ts). */
  readonly recognisers?: string
  readonly webhookBlockPrivate: boolean
  /** `auto`: the C library's sockets for RTP where they can be called and pass a test. */
  readonly rtpIo: 'auto' | 'dgram'
  /** How long SIGTERM lets calls that are up go on. */
  readonly drainMs: number
  /** Opens `/drain`; null: a fresh one at every start, in the data folder. */
  readonly operatorKey: string | null
  /** A source number that is not the customer's is refused, not replaced (contract §5). */
  readonly strictSource: boolean
}

/** In the data folder. */
export const OPERATOR_KEY_FILE = 'operator.key'

/** Said to the person who started us, without a stack. */
export class ConfigError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>

/** Name, meaning and default of every variable: the README's table is made from it. */
export const VARIABLES: readonly (readonly [name: string, otherwise: string, meaning: string])[] = [
  ['QUIETLINE_DATA_DIR', './data', 'Folder of the store. Made when it is not there.'],
  ['QUIETLINE_BIND', '127.0.0.1', 'Address that HTTP, SIP and RTP listen on. 0.0.0.0 opens them to the network.'],
  [
    'QUIETLINE_PUBLIC_ADDRESS',
    '',
    'IP address that phones are told for SIP and sound, when it is not the one they see.',
  ],
  ['QUIETLINE_HTTP_PORT', '7700', 'Port of the API, the WebSocket and the page. 0 takes a free one.'],
  ['QUIETLINE_SIP_PORT', '5060', 'UDP and TCP port of SIP. 0 takes a free one.'],
  [
    'QUIETLINE_ICE',
    'answer',
    'ICE (the lite side): `answer` with phones that offer it, `offer` in our own calls too, or `off`.',
  ],
  ['QUIETLINE_SIP_TCP', '1', '`0` does not listen for SIP over TCP.'],
  ['QUIETLINE_SIP_TLS_PORT', '5061', 'TCP port of SIP over TLS, when a certificate is given. 0 takes a free one.'],
  [
    'QUIETLINE_TLS_CERT',
    '',
    'PEM file with the certificate chain for SIP over TLS. Read again when it changes. Needs QUIETLINE_TLS_KEY.',
  ],
  ['QUIETLINE_TLS_KEY', '', 'PEM file with the key of that certificate.'],
  ['QUIETLINE_TLS_CA', '', 'PEM file with further authorities that servers we call over TLS may be vouched for by.'],
  [
    'QUIETLINE_SIP_DIGEST',
    'SHA-256,SHA-512-256,MD5',
    'Digest algorithms that phones may answer with, in the order they are offered. Old phones know only MD5.',
  ],
  [
    'QUIETLINE_TRUST_LOOPBACK',
    '1',
    '`0` asks SIP callers from this machine for a password too: for a proxy that makes everybody look like that.',
  ],
  [
    'QUIETLINE_DNS',
    '',
    'Name servers for SIP names, separated by commas, each with an optional port. Empty: the system’s.',
  ],
  ['QUIETLINE_RTP_PORTS', '10000-20000', 'UDP ports of sound, first-last; even ones are used.'],
  [
    'QUIETLINE_CODECS',
    'PCMU,PCMA,G722,opus',
    'Codecs of calls, in the order they are offered; in an answer the caller’s order counts. Those left out are not used.',
  ],
  [
    'QUIETLINE_SRTP',
    'optional',
    'Encrypted sound by keys in SDP: `off`, `optional` (answered as asked; asked for over TLS) or `required`.',
  ],
  ['QUIETLINE_BASE_DOMAIN', 'quietline.local', 'Phones may register at <customer id>.registrar.<this>.'],
  [
    'QUIETLINE_SIGNUP',
    '',
    '`open`, `closed` or `first` (one customer). Default: open while bound to loopback, else closed.',
  ],
  [
    'QUIETLINE_STT_PHRASES',
    '',
    'A file, one sentence a line: what the local recogniser understands unless a request says so.',
  ],
  ['QUIETLINE_DEMO', '1', '`0` starts without the demo agent.'],
  ['QUIETLINE_LOG_LEVEL', 'warn', '`error`, `warn`, `info`, `debug` or `silent`.'],
  ['QUIETLINE_LOG_PII', '0', '`1` lets what people say, numbers and digits into the log.'],
  [
    'QUIETLINE_DATA_KEY',
    '',
    '32 bytes in hex or base64. Encrypts what is stored and signs sign-in tokens; without it the store is plain.',
  ],
  [
    'QUIETLINE_DATA_KEY_OLD',
    '',
    'Earlier data keys, separated by commas: what they encrypted is read, and written anew with the present key.',
  ],
  [
    'QUIETLINE_RETENTION_DAYS',
    '',
    'Days that transcripts, events, logs and calls are kept, where a customer has not chosen. Empty keeps them.',
  ],
  ['QUIETLINE_SYNCHRONOUS', 'normal', '`full` makes every commit survive a power cut, at several ms each.'],
  ['QUIETLINE_DIAL_TIMEOUT', '60', 'Seconds that an outgoing call may ring.'],
  ['QUIETLINE_MAX_CALL', '3600', 'Seconds that an answered call may last.'],
  ['QUIETLINE_MAX_CALLS', '500', 'Calls at once; more are refused.'],
  [
    'QUIETLINE_DEFAULT_COUNTRY',
    '',
    'Country code such as DE: how numbers without `+` are read. Not set: they are refused.',
  ],
  [
    'QUIETLINE_EMERGENCY_ROUTE',
    '',
    'SIP address that takes emergency calls as they are dialled, such as sip:gateway.example:5060. Not set: they are refused.',
  ],
  [
    'QUIETLINE_RATE_LIMIT',
    '0',
    'API requests a second of one customer; say, flush and hangup never count. 0: no limit.',
  ],
  [
    'QUIETLINE_STRICT_SOURCE',
    '0',
    '`1` refuses calls with a source number that is not yours; `0` shows your first one.',
  ],
  [
    'QUIETLINE_WEBHOOK_BLOCK_PRIVATE',
    '0',
    '`1` refuses loopback and private addresses as targets of webhooks: for installations that strangers share.',
  ],
  [
    'QUIETLINE_RTP_IO',
    'auto',
    "`dgram` sends and receives sound by Node's own sockets; `auto` by the C library's where that can be called, at a fifth to a third less CPU.",
  ],
  [
    'QUIETLINE_DRAIN_SECONDS',
    '8',
    'How long SIGTERM lets calls go on before it hangs them up; new ones are refused meanwhile. Keep it below the time your supervisor waits (Docker: 10).',
  ],
  [
    'QUIETLINE_OPERATOR_KEY',
    '',
    'Bearer key of `/drain`, 16 characters and more. Not set: a fresh one at each start, in `operator.key` of the data folder.',
  ],
  ['QUIETLINE_MEDIA_THREADS', '', 'Threads that carry the sound of calls. Default: the cores but one, at least one.'],
  ['QUIETLINE_DECODERS', '6', 'Utterances recognised at the same time by the local recogniser, about 11 MB each.'],
]

export function readConfig(env: Environment): Config {
  const given = (name: string): string => {
    const value = env[name]?.trim()
    if (value !== undefined && value !== '') return value
    return VARIABLES.find(([known]) => known === name)?.[1] ?? ''
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('QUIETLINE_') && !VARIABLES.some(([known]) => known === name) && !INTERNAL.includes(name)) {
      throw new ConfigError(`${name} is not a setting of Quietline. Settings are listed in the README.`)
    }
  }
  const bind = given('QUIETLINE_BIND')
  if (isIP(bind) === 0) throw new ConfigError(`QUIETLINE_BIND must be an IP address, not "${bind}".`)
  const publicAddress = given('QUIETLINE_PUBLIC_ADDRESS')
  if (publicAddress !== '' && isIP(publicAddress) === 0) {
    throw new ConfigError(`QUIETLINE_PUBLIC_ADDRESS must be an IP address, not "${publicAddress}".`)
  }
  const loopback = bind.startsWith('127.') || bind === '::1'
  return {
    dataDir: given('QUIETLINE_DATA_DIR'),
    bind,
    publicAddress: publicAddress === '' ? null : publicAddress,
    httpPort: whole(given, 'QUIETLINE_HTTP_PORT', 0, 65_535),
    sipPort: whole(given, 'QUIETLINE_SIP_PORT', 0, 65_535),
    ice: oneOf('QUIETLINE_ICE', given('QUIETLINE_ICE'), ['answer', 'offer', 'off']),
    sipTcp: oneOf('QUIETLINE_SIP_TCP', given('QUIETLINE_SIP_TCP'), ['0', '1']) === '1',
    sipTls: tlsFiles(given),
    tlsCaFile: given('QUIETLINE_TLS_CA') || null,
    sipDigest: digestNames(given('QUIETLINE_SIP_DIGEST')),
    trustLoopback: oneOf('QUIETLINE_TRUST_LOOPBACK', given('QUIETLINE_TRUST_LOOPBACK'), ['0', '1']) === '1',
    dnsServers: nameServers(given('QUIETLINE_DNS')),
    rtpPorts: portRange(given('QUIETLINE_RTP_PORTS')),
    srtp: oneOf('QUIETLINE_SRTP', given('QUIETLINE_SRTP'), ['off', 'optional', 'required']),
    codecs: codecNames(given('QUIETLINE_CODECS')),
    baseDomain: domain(given('QUIETLINE_BASE_DOMAIN')),
    signup: oneOf('QUIETLINE_SIGNUP', given('QUIETLINE_SIGNUP') || (loopback ? 'open' : 'closed'), [
      'open',
      'closed',
      'first',
    ]),
    sttPhrases: given('QUIETLINE_STT_PHRASES') || null,
    demo: oneOf('QUIETLINE_DEMO', given('QUIETLINE_DEMO'), ['0', '1']) === '1',
    logLevel: oneOf('QUIETLINE_LOG_LEVEL', given('QUIETLINE_LOG_LEVEL'), ['error', 'warn', 'info', 'debug', 'silent']),
    logPii: oneOf('QUIETLINE_LOG_PII', given('QUIETLINE_LOG_PII'), ['0', '1']) === '1',
    dataKey: dataKey('QUIETLINE_DATA_KEY', given('QUIETLINE_DATA_KEY')),
    oldDataKeys: oldDataKeys(given('QUIETLINE_DATA_KEY_OLD')),
    retentionDays:
      given('QUIETLINE_RETENTION_DAYS') === '' ? null : whole(given, 'QUIETLINE_RETENTION_DAYS', 1, 36_500),
    synchronous: oneOf('QUIETLINE_SYNCHRONOUS', given('QUIETLINE_SYNCHRONOUS'), ['normal', 'full']),
    dialTimeoutMs: 1000 * whole(given, 'QUIETLINE_DIAL_TIMEOUT', 1, 600),
    maxCallMs: 1000 * whole(given, 'QUIETLINE_MAX_CALL', 1, 86_400),
    maxCalls: whole(given, 'QUIETLINE_MAX_CALLS', 1, 5_000),
    defaultCountry: country(given('QUIETLINE_DEFAULT_COUNTRY')),
    emergencyRoute: sipAddress('QUIETLINE_EMERGENCY_ROUTE', given('QUIETLINE_EMERGENCY_ROUTE')),
    requestsPerSecond: whole(given, 'QUIETLINE_RATE_LIMIT', 0, 100_000),
    rtpIo: oneOf('QUIETLINE_RTP_IO', given('QUIETLINE_RTP_IO'), ['auto', 'dgram']),
    drainMs: 1000 * whole(given, 'QUIETLINE_DRAIN_SECONDS', 0, 86_400),
    operatorKey: operatorKey(given('QUIETLINE_OPERATOR_KEY')),
    decoders: whole(given, 'QUIETLINE_DECODERS', 1, 32),
    mediaThreads:
      given('QUIETLINE_MEDIA_THREADS') === ''
        ? Math.max(1, availableParallelism() - 1)
        : whole(given, 'QUIETLINE_MEDIA_THREADS', 1, 64),
    strictSource: oneOf('QUIETLINE_STRICT_SOURCE', given('QUIETLINE_STRICT_SOURCE'), ['0', '1']) === '1',
    webhookBlockPrivate:
      oneOf('QUIETLINE_WEBHOOK_BLOCK_PRIVATE', given('QUIETLINE_WEBHOOK_BLOCK_PRIVATE'), ['0', '1']) === '1',
  }
}

/** Set by our own programs for their children; not for people. */
const INTERNAL = ['QUIETLINE_API', 'QUIETLINE_TOKEN', 'QUIETLINE_CUSTOMER_ID', 'QUIETLINE_DEMO_NUMBER']

function whole(given: (name: string) => string, name: string, least: number, most: number): number {
  const text = given(name)
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}, not "${text}".`)
  }
  return value
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new ConfigError(`${name} must be one of ${allowed.join(', ')}, not "${value}".`)
  return found
}

function portRange(text: string): readonly [number, number] {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2])
  if (!match || first < 1024 || last > 65_535 || last - first < 2) {
    throw new ConfigError(
      `QUIETLINE_RTP_PORTS must be a range such as 10000-20000 between 1024 and 65535, not "${text}".`,
    )
  }
  return [first, last]
}

const CODECS: readonly CodecName[] = ['PCMU', 'PCMA', 'G722', 'opus']

function codecNames(text: string): readonly CodecName[] {
  const names = text.split(',').map((one) => one.trim().toLowerCase())
  const codecs = names.map((name) => CODECS.find((codec) => codec.toLowerCase() === name))
  const known = codecs.filter((codec) => codec !== undefined)
  if (known.length === names.length) return [...new Set(known)]
  throw new ConfigError(`QUIETLINE_CODECS must be names out of ${CODECS.join(', ')}, not "${text}".`)
}

function tlsFiles(given: (name: string) => string): Config['sipTls'] {
  const [certFile, keyFile] = [given('QUIETLINE_TLS_CERT'), given('QUIETLINE_TLS_KEY')]
  if (certFile === '' && keyFile === '') return null
  if (certFile === '' || keyFile === '') throw new ConfigError('QUIETLINE_TLS_CERT and QUIETLINE_TLS_KEY go together.')
  return { port: whole(given, 'QUIETLINE_SIP_TLS_PORT', 0, 65_535), certFile, keyFile }
}

function digestNames(text: string): Config['sipDigest'] {
  const names = text.split(',').map((one) => one.trim().toUpperCase())
  return names.map((one) => oneOf('QUIETLINE_SIP_DIGEST', one, ['SHA-256', 'SHA-512-256', 'MD5']))
}

function nameServers(text: string): readonly string[] {
  const servers = text.split(',').map((one) => one.trim())
  const given = servers.filter((one) => one !== '')
  const wrong = given.find((one) => isIP(one) === 0 && !/^(?:[\d.]+|\[[\da-fA-F:.]+\]):\d{1,5}$/.test(one))
  if (wrong !== undefined)
    throw new ConfigError(`QUIETLINE_DNS must be IP addresses, each with an optional port, not "${wrong}".`)
  return given
}

function domain(text: string): string {
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)) {
    throw new ConfigError(`QUIETLINE_BASE_DOMAIN must be a domain name, not "${text}".`)
  }
  return text.toLowerCase()
}

function oldDataKeys(text: string): readonly string[] {
  const keys = text.split(',').map((one) => dataKey('QUIETLINE_DATA_KEY_OLD', one.trim()))
  return keys.filter((key) => key !== null)
}

function operatorKey(text: string): string | null {
  if (text === '') return null
  if (text.length < 16) throw new ConfigError('QUIETLINE_OPERATOR_KEY must have 16 characters or more.')
  return text
}

function country(text: string): string {
  const code = text.toUpperCase()
  if (code === '' || isCountry(code)) return code
  throw new ConfigError(`QUIETLINE_DEFAULT_COUNTRY must be a country code such as DE, not "${text}".`)
}

function sipAddress(name: string, text: string): string {
  if (text === '' || /^sips?:([^\s@<>"]+@)?[^\s@<>"]+$/i.test(text)) return text
  throw new ConfigError(`${name} must be a SIP address such as sip:gateway.example:5060, not "${text}".`)
}

function dataKey(name: string, text: string): string | null {
  if (text === '') return null
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
  if (bytes.length !== 32) throw new ConfigError(`${name} must be 32 bytes, as 64 hex digits or in base64.`)
  return bytes.toString('hex')
}
