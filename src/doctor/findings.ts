/** What the facts mean, in words for somebody who knows nothing of RTP, and what to change. */

export interface Finding {
  readonly level: 'ok' | 'note' | 'problem'
  readonly what: string
  /** What to do about it. */
  readonly change?: string
}

/** What the server says of itself (`POST /doctor`). */
export interface Facts {
  readonly version: string
  readonly bind: string
  readonly public_address: string | null
  /** Addresses of this machine, without loopback. */
  readonly own_addresses: readonly string[]
  readonly sip: readonly { readonly transport: string; readonly port: number }[]
  /** What phones that are not on this machine are told in SIP and SDP. */
  readonly advertised: string
  readonly rtp_ports: readonly [first: number, last: number]
  readonly codecs: readonly string[]
  readonly engines: readonly {
    readonly language: string
    readonly stt: readonly string[]
    readonly tts: readonly string[]
  }[]
  /** Empty: all threads run. */
  readonly not_ready: string
  readonly calls: number
  readonly max_calls: number
  readonly capacity: number
  readonly signup: string
  readonly encrypted: boolean
  readonly retention_days: number | null
}

/** What the machine says. */
export interface Machine {
  readonly cores: number
  /** Largest receive buffer the kernel grants, bytes; null where it does not say. */
  readonly receiveBufferMax: number | null
  /** Files and sockets one process may have open; null where it does not say. */
  readonly openFiles: number | null
}

const ENOUGH_BUFFER = 1_000_000

export function findingsOf(facts: Facts, machine: Machine): Finding[] {
  return [reach(facts), ...ports(facts), parts(facts), engines(facts), ...safety(facts), ...limits(facts, machine)]
}

function reach({ advertised, bind, own_addresses: own, public_address: set }: Facts): Finding {
  if (isLoopback(bind)) {
    const change = 'set QUIETLINE_BIND=0.0.0.0 to take calls from elsewhere'
    return { level: 'note', what: `Only this machine can call: it listens on ${bind}.`, change }
  }
  if (set !== null && own.includes(set))
    return { level: 'ok', what: `Phones are told ${set}, an address of this machine.` }
  if (set !== null) {
    const change = `have the router pass the ports below from ${set} to this machine (${own.join(', ') || bind})`
    return { level: 'note', what: `Phones are told ${set}, which is not an address of this machine.`, change }
  }
  if (isPrivate(advertised)) {
    const change = 'when calls come over the internet, set QUIETLINE_PUBLIC_ADDRESS to the address seen there'
    return {
      level: 'note',
      what: `Phones are told ${advertised}, a private address: only phones in the same network hear anything.`,
      change,
    }
  }
  return { level: 'ok', what: `Phones are told ${advertised}.` }
}

function ports({ bind, rtp_ports: [first, last], sip }: Facts): Finding[] {
  const said = sip.map(({ transport, port }) => `${transport} ${port}`).join(', ')
  const open = `SIP on ${said}; sound on udp ${first} to ${last}.`
  const change = 'a firewall must let these in, and udp out'
  return [isLoopback(bind) ? { level: 'ok', what: open } : { level: 'note', what: open, change }]
}

function parts({ not_ready: missing }: Facts): Finding {
  if (missing === '') return { level: 'ok', what: 'All threads run.' }
  return { level: 'problem', what: `Not ready: ${missing}.`, change: 'look at the log; it is restarted by itself' }
}

function engines({ codecs, engines: all }: Facts): Finding {
  const names = (pick: 'stt' | 'tts'): string => [...new Set(all.flatMap((one) => one[pick]))].join(', ') || 'none'
  const languages = all.map(({ language }) => language).join(', ')
  return {
    level: all.length > 0 ? 'ok' : 'problem',
    what: `Codecs ${codecs.join(', ')}. Hears with ${names('stt')}, speaks with ${names('tts')} (${languages}).`,
  }
}

function safety({ bind, encrypted, retention_days: days, signup }: Facts): Finding[] {
  const found: Finding[] = []
  if (signup === 'open' && !isLoopback(bind)) {
    const change = 'set QUIETLINE_SIGNUP=closed'
    found.push({ level: 'problem', what: 'Anybody who reaches this server can make an account.', change })
  }
  if (!encrypted) {
    const change = 'set QUIETLINE_DATA_KEY (openssl rand -hex 32) and keep it safe'
    found.push({ level: 'note', what: 'What people say is stored as it is.', change })
  }
  if (days === null) {
    const change = 'set QUIETLINE_RETENTION_DAYS when the law or your promise says so'
    found.push({ level: 'note', what: 'What is stored is kept for good.', change })
  }
  return found
}

function limits(facts: Facts, { cores, openFiles, receiveBufferMax }: Machine): Finding[] {
  const { calls, capacity, max_calls: most } = facts
  const found: Finding[] = [
    {
      level: 'ok',
      what: `${calls} calls are up; ${most} may be, about ${capacity} of them conversations (${cores} cores).`,
    },
  ]
  if (receiveBufferMax !== null && receiveBufferMax < ENOUGH_BUFFER) {
    const change = 'sysctl -w net.core.rmem_max=4194304 when many calls run at once'
    found.push({ level: 'note', what: `The kernel grants sockets ${receiveBufferMax} bytes to receive in.`, change })
  }
  if (openFiles !== null && openFiles < 2 * most + 200) {
    const change = `raise it (ulimit -n ${4 * most}, LimitNOFILE= in systemd) or lower QUIETLINE_MAX_CALLS`
    found.push({ level: 'problem', what: `${openFiles} files may be open, too few for ${most} calls.`, change })
  }
  return found
}

/** Of one test call. */
export interface CallSeen {
  readonly where: string
  /** Null: it was answered. */
  readonly failure: string | null
  readonly sentPackets: number
  readonly receivedPackets: number
  readonly heardItself: boolean
  readonly delayMs: number | null
}

const ENOUGH_RETURNED = 0.9

/** @param isOwnPath false for an address that need not be reachable from here (a router in front) */
export function findingOfCall(seen: CallSeen, isOwnPath: boolean): Finding {
  const level = isOwnPath ? 'problem' : 'note'
  const { delayMs, failure, receivedPackets, sentPackets, where } = seen
  const hint = isOwnPath
    ? 'look at the log, and for what else uses these ports'
    : 'a router that does not pass its own address back inside is no fault; else check its ports'
  if (failure !== null) return { level, what: `A call to ${where} failed: ${failure}.`, change: hint }
  if (receivedPackets === 0) {
    return { level, what: `A call to ${where} is answered, but no sound comes back (one-way audio).`, change: hint }
  }
  const share = Math.round((100 * receivedPackets) / sentPackets)
  if (receivedPackets < ENOUGH_RETURNED * sentPackets || !seen.heardItself) {
    return { level, what: `A call to ${where}: only ${share} % of the sound comes back.`, change: hint }
  }
  const late = delayMs === null ? '' : `, ${Math.round(delayMs)} ms after it was sent`
  return { level: 'ok', what: `A call to ${where} registers, is answered, and hears itself${late}.` }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** RFC 1918, RFC 6598, link-local and unique local IPv6. */
function isPrivate(address: string): boolean {
  return (
    /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(address) ||
    /^(fe80|f[cd])/i.test(address)
  )
}
