/** Holds all transactions of a core: starts them, finds them, forgets them. */

import type { Context } from '../context.ts'
import { type Extras, makeCancel, makeFailureAck, makeResponse, type ResponseParts } from '../message/compose.ts'
import type { Envelope } from '../message/envelope.ts'
import { field, type SipRequest, type SipResponse } from '../message/message.ts'
import { printMessage } from '../message/print.ts'
import type { Flow, SipAddress } from '../types.ts'
import { Client } from './client.ts'
import { InviteClient } from './invite-client.ts'
import { InviteServer } from './invite-server.ts'
import { COOKIE, clientKey, mergeKey, serverKey } from './key.ts'
import type { ClientUser, ServerUser, Surroundings } from './ports.ts'
import { Server } from './server.ts'

/** Larger requests go by a transport that cares for congestion, where the target allows (RFC 3261 §18.1.1). */
export const MAX_DATAGRAM_BYTES = 1_300

/** A request of ours on its way. */
export interface Outgoing {
  /** As it was sent last, with Via: by TCP, and then by UDP when TCP was refused. */
  readonly request: SipRequest
  readonly flow: Flow
  /** Ends an INVITE that has had no final answer: its user is told 'timeout'. Nothing for other requests. */
  giveUp(): void
}

/** A request of theirs being answered. */
export class Incoming {
  readonly request: SipRequest
  readonly envelope: Envelope
  readonly flow: Flow
  /** The tag all our answers carry in To. */
  readonly toTag: string
  /** Called when a CANCEL comes before our final answer. `reason`: its Reason header (RFC 3326), '' for none. */
  onCancel: ((reason: string) => void) | null = null
  readonly #machine: InviteServer | Server
  readonly #extras: readonly [string, string]
  #final = false

  constructor(
    machine: InviteServer | Server,
    from: { request: SipRequest; envelope: Envelope; flow: Flow },
    names: { toTag: string; server: string },
  ) {
    this.#machine = machine
    this.#extras = ['Server', names.server]
    this.request = from.request
    this.envelope = from.envelope
    this.flow = from.flow
    this.toTag = from.envelope.toTag || names.toTag
  }

  /** True once a final answer was given. */
  get isAnswered(): boolean {
    return this.#final
  }

  set user(user: ServerUser) {
    this.#machine.user = user
  }

  /** @returns the bytes sent, for a 2xx that its user repeats with `resend` */
  respond(parts: Omit<ResponseParts, 'toTag'>): Uint8Array {
    const extras = [...(parts.extras ?? []), this.#extras]
    const bytes = printMessage(makeResponse(this.request, { ...parts, extras, toTag: this.toTag }))
    if (parts.code >= 200) this.#final = true
    this.#machine.respond(parts.code, bytes)
    return bytes
  }
}

export class Transactions {
  readonly #context: Context
  readonly #clients = new Map<string, { machine: InviteClient | Client; flow: Flow }>()
  readonly #servers = new Map<string, { machine: InviteServer | Server; flow: Flow; incoming: Incoming }>()
  /** Requests without a To tag, to notice the same one by another way. */
  readonly #merges = new Map<string, string>()

  constructor(context: Context) {
    this.#context = context
  }

  get count(): number {
    return this.#clients.size + this.#servers.size
  }

  /** Sends `request` on `flow`, with a Via and a new branch on top. */
  request(request: SipRequest, flow: Flow, user: ClientUser): Outgoing {
    const sent = this.#withVia(request, flow)
    const large = flow.transport === 'udp' && flow.growsToTcp && printMessage(sent).length > MAX_DATAGRAM_BYTES
    return large ? this.#startLarge(request, flow, user) : this.#start(sent, flow, user)
  }

  /** Cancels an INVITE of ours; who answers the CANCEL and how does not matter (RFC 3261 §9.1). */
  cancel(invite: Outgoing, extras: Extras = []): void {
    const cancel = makeCancel(invite.request)
    const fields = [...cancel.fields, ...extras.map(([name, value]) => field(name, value))]
    this.#start({ ...cancel, fields }, invite.flow, { response() {}, failed() {} })
  }

  /** Sends a request whose answer is not waited for. */
  sendOnce(request: SipRequest, flow: Flow): void {
    this.#context.send(flow, printMessage(this.#withVia(request, flow)))
  }

  /** Sends a request that has no transaction: the ACK of a 2xx. @returns the bytes, for the next copy of the 2xx */
  sendAck(ack: SipRequest, flow: Flow): Uint8Array {
    const bytes = printMessage(this.#withVia(ack, flow))
    this.#context.send(flow, bytes)
    return bytes
  }

  /** @returns false when no transaction waits for it */
  receiveResponse(response: SipResponse, envelope: Envelope): boolean {
    const entry = this.#clients.get(clientKey(envelope.method, envelope.branch))
    entry?.machine.receive(response, envelope)
    return entry !== undefined
  }

  /** Takes in a copy of a request already known, and the ACK of a failure. @returns false when it is new */
  receiveRequest(request: SipRequest, envelope: Envelope): boolean {
    const key =
      request.method === 'CANCEL' ? cancelKey(request, envelope) : serverKey(request, envelope, request.method)
    const entry = this.#servers.get(key)
    entry?.machine.receive(request, envelope)
    return entry !== undefined
  }

  /** The INVITE that a CANCEL means. */
  inviteOf(cancel: SipRequest, envelope: Envelope): Incoming | null {
    return this.#servers.get(serverKey(cancel, envelope, 'INVITE'))?.incoming ?? null
  }

  /** True when the same request came by another way and is still being worked on. */
  isMerged(envelope: Envelope): boolean {
    return this.#merges.has(mergeKey(envelope))
  }

  /** Starts a server transaction. @param toTag for our answers, when the request has none */
  accept(request: SipRequest, envelope: Envelope, flow: Flow, toTag: string): Incoming {
    const invite = request.method === 'INVITE'
    const key =
      request.method === 'CANCEL' ? cancelKey(request, envelope) : serverKey(request, envelope, request.method)
    const merge = envelope.toTag === '' && request.method !== 'CANCEL' ? mergeKey(envelope) : null
    const name = this.#context.newName('server')
    const surroundings = {
      reliable: isReliable(flow),
      send: (bytes: Uint8Array) => this.#context.send(flow, bytes),
      startTimer: (timer: never, delayMs: number) =>
        this.#context.startTimer(`${name}/${timer}`, delayMs, () => machine.fire(timer)),
      stopTimer: (timer: string) => this.#context.stopTimer(`${name}/${timer}`),
      ended: () => {
        this.#servers.delete(key)
        if (merge !== null && this.#merges.get(merge) === key) this.#merges.delete(merge)
      },
    }
    const machine = invite ? new InviteServer(surroundings) : new Server(surroundings)
    const incoming = new Incoming(
      machine,
      { request, envelope, flow },
      { toTag, server: this.#context.options.userAgent },
    )
    this.#servers.set(key, { machine, flow, incoming })
    if (merge !== null && !this.#merges.has(merge)) this.#merges.set(merge, key)
    return incoming
  }

  /** Tells every transaction on this path that its messages do not arrive. */
  transportFailed(flow: Flow): void {
    const entries = [...this.#clients.values(), ...this.#servers.values()]
    for (const entry of entries) if (isSamePath(entry.flow, flow)) entry.machine.transportFailed()
  }

  #withVia(request: SipRequest, flow: Flow): SipRequest {
    const { address, port } = this.#context.options.contactFor(flow)
    const branch = COOKIE + this.#context.random.token(16)
    const host = address.includes(':') ? `[${address}]` : address
    const via = field('Via', `SIP/2.0/${flow.transport.toUpperCase()} ${host}:${port};branch=${branch};rport`)
    const agent = field('User-Agent', this.#context.options.userAgent)
    return { ...request, fields: [via, ...request.fields, agent] }
  }

  /** By TCP; by UDP after all when there is no way by TCP. */
  #startLarge(request: SipRequest, flow: Flow, user: ClientUser): Outgoing {
    const byTcp: Flow = { ...flow, transport: 'tcp' }
    let isHeard = false
    let current = this.#start(this.#withVia(request, byTcp), byTcp, {
      response: (response, envelope) => {
        isHeard = true
        user.response(response, envelope)
      },
      failed: (why) => {
        if (isHeard || why !== 'transport') user.failed(why)
        else current = this.#start(this.#withVia(request, flow), flow, user)
      },
    })
    return {
      get request() {
        return current.request
      },
      get flow() {
        return current.flow
      },
      giveUp: () => current.giveUp(),
    }
  }

  #start(request: SipRequest, flow: Flow, user: ClientUser): Outgoing {
    const { method } = request
    const branch = /;branch=([^;]+)/.exec(request.fields[0]!.value)![1]!
    const key = clientKey(method, branch)
    const name = this.#context.newName('client')
    const surroundings: Surroundings<never> = {
      reliable: isReliable(flow),
      send: (bytes) => this.#context.send(flow, bytes),
      startTimer: (timer: never, delayMs) =>
        this.#context.startTimer(`${name}/${timer}`, delayMs, () => machine.fire(timer)),
      stopTimer: (timer: string) => this.#context.stopTimer(`${name}/${timer}`),
      ended: () => this.#clients.delete(key),
    }
    const bytes = printMessage(request)
    const machine =
      method === 'INVITE'
        ? new InviteClient(surroundings, user, bytes, (response) => printMessage(makeFailureAck(request, response)))
        : new Client(surroundings, user, bytes)
    this.#clients.set(key, { machine, flow })
    machine.start()
    return { request, flow, giveUp: () => (machine instanceof InviteClient ? machine.giveUp() : undefined) }
  }
}

function cancelKey(request: SipRequest, envelope: Envelope): string {
  return `CANCEL of ${serverKey(request, envelope, 'CANCEL')}`
}

function isReliable(flow: Flow): boolean {
  return flow.transport !== 'udp'
}

function isSamePath(one: Flow, other: Flow): boolean {
  return one.transport === other.transport && one.connection === other.connection && isSame(one.remote, other.remote)
}

function isSame(one: SipAddress, other: SipAddress): boolean {
  return one.address === other.address && one.port === other.port
}
