/** The certificate we show and those we trust, read anew when their files change: a broken new one never replaces a good one. */

import { readFileSync, statSync } from 'node:fs'
import {
  createSecureContext,
  getCACertificates,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls'
import type { Clock, Scheduled } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'

export interface CertificateFiles {
  /** PEM, the whole chain, and its key; null when we show none. */
  readonly own: { readonly certFile: string; readonly keyFile: string } | null
  /** PEM: trusted besides the system's. */
  readonly caFile: string | null
}

const CHECK_MS = 60_000
/** TLS 1.0 and 1.1 are gone (RFC 8996). */
const LEAST = { minVersion: 'TLSv1.2' } as const

export class Certificates {
  readonly #files: CertificateFiles
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners: (() => void)[] = []
  #own: { readonly cert: Buffer; readonly key: Buffer } | null = null
  #client: SecureContext | null = null
  #seen = ''
  #check: Scheduled | null = null

  /** Throws when the files cannot be read or do not fit together: at the start that is for a person to see. */
  constructor(files: CertificateFiles, clock: Clock, log: Log) {
    this.#files = files
    this.#clock = clock
    this.#log = log
    this.#seen = this.#stamp()
    this.#read()
    this.#plan()
  }

  /** For a listener. */
  server(): SecureContextOptions {
    return { ...LEAST, ...this.#own }
  }

  /** For connections of ours: the certificate too, for carriers that ask for it. */
  client(): SecureContext {
    return this.#client!
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Reads the files now if they have changed (also for SIGHUP). */
  refresh(): void {
    const stamp = this.#stamp()
    if (stamp === this.#seen) return
    this.#seen = stamp
    try {
      this.#read()
    } catch (cause) {
      this.#log.error({ err: cause }, 'new TLS certificate cannot be used, the old one stays')
      return
    }
    this.#log.info({}, 'TLS certificate read anew')
    for (const listener of this.#listeners) listener()
  }

  close(): void {
    this.#check?.cancel()
    this.#check = null
  }

  #plan(): void {
    this.#check = this.#clock.schedule(this.#clock.now() + CHECK_MS, () => {
      this.refresh()
      this.#plan()
    })
  }

  /** Takes all of it, or nothing. */
  #read(): void {
    const { own, caFile } = this.#files
    const pair = own && { cert: readFileSync(own.certFile), key: readFileSync(own.keyFile) }
    const extra = caFile === null ? [] : [readFileSync(caFile, 'utf8')]
    // Made once: reading the system's authorities for each connection would cost milliseconds.
    this.#client = createSecureContext({ ...LEAST, ...pair, ca: [...systemAuthorities(), ...extra] })
    this.#own = pair
  }

  #stamp(): string {
    const { own, caFile } = this.#files
    return [own?.certFile, own?.keyFile, caFile]
      .map((file) => {
        const stat = file ? statSync(file, { throwIfNoEntry: false }) : undefined
        return stat ? `${stat.mtimeMs}/${stat.size}/${stat.ino}` : '-'
      })
      .join(' ')
  }
}

function systemAuthorities(): readonly string[] {
  const system = getCACertificates('system')
  return system.length > 0 ? system : rootCertificates
}
