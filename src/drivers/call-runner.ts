/**
 * Gives inputs to calls one by one and carries out their outputs. Sound and signalling act at once; answers and events
 * wait for the commit. Pure parts never see a clock, a store or a socket: this is where they meet.
 */

import { Call, type CallSettings } from '../calls/call.ts'
import type { CallCommand, Outcome, Ref } from '../calls/commands.ts'
import { Groupcall, type GroupcallInput } from '../calls/groupcall.ts'
import type { Birth, CallInput, CallOutput } from '../calls/part.ts'
import type { Change, Records, Signalling, Sound } from '../calls/ports.ts'
import { LOG_VERSION, type LogEntry } from '../calls/replay.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { Row } from '../store/port.ts'
import { Ledger } from './ledger.ts'
import { Timers } from './timers.ts'

type AnyInput = CallInput | GroupcallInput

/** Inputs waiting while one is being handled; past this, all but hang-up and flush are refused. */
const MAX_WAITING = 1_000
/** Entries of an input log; a call with more keeps its first ones. */
const MAX_LOG = 20_000

interface Mailbox {
  readonly ref: Ref
  readonly customerId: string
  readonly part: { handle(input: AnyInput, now: number, wall: number): CallOutput[] }
  readonly birth: Birth | null
  readonly timers: Timers
  readonly ledger: Ledger
  readonly waiting: AnyInput[]
  readonly log: LogEntry[]
  /** Keys in `#owners` of what this call has made. */
  readonly made: string[]
  /** Resolved with the first record stored: what a request that made this part is answered with. */
  readonly firstDoc: Promise<JsonObject | null>
  readonly gaveFirstDoc: (doc: JsonObject | null) => void
  inputs: number
  isBusy: boolean
}

export interface CallRunnerOptions {
  readonly clock: Clock
  readonly records: Records
  readonly signalling: Signalling
  readonly sound: Sound
  readonly settings: CallSettings
  readonly log: Log
  /** Told the reason each call ended with, and its turn record. */
  readonly onEnded?: (reason: string, turns: JsonObject) => void
  /** For tests: every output as it is carried out. */
  readonly watch?: (callId: string, outputs: readonly CallOutput[]) => void
}

export class CallRunner {
  readonly #options: CallRunnerOptions
  readonly #mailboxes = new Map<string, Mailbox>()
  readonly #replies = new Map<number, (outcome: Outcome) => void>()
  readonly #owners = new Map<string, string>()
  #lastReply = 0
  #ended = 0

  constructor(options: CallRunnerOptions) {
    this.#options = options
  }

  get liveCalls(): number {
    let live = 0
    for (const mailbox of this.#mailboxes.values()) if (mailbox.birth) live++
    return live
  }

  get endedCalls(): number {
    return this.#ended
  }

  /** Mailboxes, timers and answers owed: all zero when nothing is left. */
  census(): { readonly mailboxes: number; readonly timers: number; readonly replies: number } {
    let timers = 0
    for (const mailbox of this.#mailboxes.values()) timers += mailbox.timers.size
    return { mailboxes: this.#mailboxes.size, timers, replies: this.#replies.size }
  }

  birthOf(callId: string): Birth | null {
    return this.#mailboxes.get(callId)?.birth ?? null
  }

  customerOf(id: string): string | null {
    return this.#mailboxes.get(id)?.customerId ?? null
  }

  callIds(): string[] {
    return [...this.#mailboxes.values()].filter((one) => one.birth).map((one) => one.ref.id)
  }

  /** The live call of a transcribe or speaking. */
  callOf(kind: 'transcribe' | 'speaking', id: string): string | null {
    return this.#owners.get(`${kind}:${id}`) ?? null
  }

  bear(birth: Birth): void {
    const part = new Call(this.#options.settings) as Mailbox['part']
    this.#open({ kind: 'call', id: birth.callId }, birth.customerId, part, birth)
    this.tell({ kind: 'call', id: birth.callId }, birth)
  }

  bearGroupcall(birth: GroupcallInput & { kind: 'born' }): void {
    const part = new Groupcall() as Mailbox['part']
    this.#open({ kind: 'groupcall', id: birth.groupcallId }, birth.customerId, part, null)
    this.tell({ kind: 'groupcall', id: birth.groupcallId }, birth)
  }

  /** @returns false when the mailbox is closed or full */
  tell(ref: Ref, input: AnyInput): boolean {
    const mailbox = this.#mailboxes.get(ref.id)
    if (!mailbox) return false
    const isUrgent = input.kind === 'command' && (input.command.kind === 'hangup' || input.command.kind === 'flush')
    if (mailbox.waiting.length >= MAX_WAITING && !isUrgent) return false
    if (isUrgent) mailbox.waiting.unshift(input)
    else mailbox.waiting.push(input)
    if (!mailbox.isBusy) this.#drain(mailbox)
    return true
  }

  /** Answered after the commit. Never rejects. */
  ask(ref: Ref, command: CallCommand | { kind: 'hangup' }): Promise<Outcome> {
    return new Promise((resolve) => {
      const reply = ++this.#lastReply
      this.#replies.set(reply, resolve)
      const told = this.tell(ref, { kind: 'command', reply, command } as AnyInput)
      if (!told)
        this.#answer(reply, { ok: false, code: ref.kind === 'call' ? 'CALL_NOT_FOUND' : 'GROUPCALL_NOT_FOUND' })
    })
  }

  /** A new part's record as first stored; null when it could not be. Ask in the tick it was born. */
  firstDoc(ref: Ref): Promise<JsonObject | null> {
    return this.#mailboxes.get(ref.id)?.firstDoc ?? Promise.resolve(null)
  }

  #open(ref: Ref, customerId: string, part: Mailbox['part'], birth: Birth | null): void {
    const ledger = new Ledger(this.#options.records, this.#options.clock, this.#options.log)
    const timers = new Timers(this.#options.clock)
    const first = Promise.withResolvers<JsonObject | null>()
    this.#mailboxes.set(ref.id, {
      ref,
      customerId,
      part,
      birth,
      timers,
      ledger,
      waiting: [],
      log: [],
      made: [],
      firstDoc: first.promise,
      gaveFirstDoc: first.resolve,
      inputs: 0,
      isBusy: false,
    })
  }

  #drain(mailbox: Mailbox): void {
    mailbox.isBusy = true
    for (;;) {
      const input = mailbox.waiting.shift()
      if (!input) break
      this.#handle(mailbox, input)
    }
    mailbox.isBusy = false
  }

  #handle(mailbox: Mailbox, input: AnyInput): void {
    const now = this.#options.clock.now()
    const wall = this.#options.clock.wallMicros()
    const n = mailbox.inputs++
    if (mailbox.birth && mailbox.log.length < MAX_LOG) {
      mailbox.log.push({ v: LOG_VERSION, n, now, wall, part: 'call', input: input as CallInput })
    }
    let outputs: CallOutput[]
    try {
      outputs = mailbox.part.handle(input, now, wall)
    } catch (cause) {
      return this.#crashed(mailbox, cause)
    }
    if (mailbox.birth) this.#options.watch?.(mailbox.ref.id, outputs)
    this.#apply(mailbox, outputs)
  }

  #apply(mailbox: Mailbox, outputs: readonly CallOutput[]): void {
    const change = new ChangeInMaking(mailbox)
    let isOver = false
    for (const output of outputs) {
      if (output.kind === 'over') isOver = true
      else if (!change.take(output)) this.#act(mailbox, output)
    }
    if (isOver && mailbox.birth) change.addLog(mailbox.log.map((entry) => JSON.stringify(entry)))
    for (const { table, row } of change.rows) {
      this.#noteOwner(mailbox, table, row.id)
      if (isOver && table === 'calls') {
        this.#options.onEnded?.(String(row.doc['hangup_reason']), row.hidden['turns'] as JsonObject)
      }
    }
    if (change.isOnlyReplies) for (const { to, outcome } of change.replies) this.#answer(to, outcome)
    else if (!change.isEmpty) this.#save(mailbox, change)
    if (isOver) this.#close(mailbox)
  }

  /** Sound and signalling: at once. */
  #act(mailbox: Mailbox, output: CallOutput): void {
    const { signalling, sound } = this.#options
    const id = mailbox.ref.id
    switch (output.kind) {
      case 'ring':
        return signalling.ring(id)
      case 'accept':
        return signalling.accept(id)
      case 'reject':
        return signalling.reject(id, output.code, output.phrase)
      case 'invite':
        if (mailbox.birth) signalling.invite(id, mailbox.birth)
        return
      case 'cancelInvite':
        return signalling.cancel(id)
      case 'bye':
        return signalling.bye(id, output.reason)
      case 'openLeg':
        return sound.open(id)
      case 'closeLeg':
        return sound.close(id)
      case 'attachEar':
        return sound.attachEar(id, output.language, output.phrases)
      case 'setPhrases':
        return sound.setPhrases(id, output.phrases)
      case 'detachEar':
        return sound.detachEar(id, output.finish)
      case 'utter':
        return sound.utter(id, output)
      case 'flush':
        return sound.flush(id, output.lane, output.epoch)
      case 'timer':
        return mailbox.timers.set(output.name, output.at, () => {
          this.tell(mailbox.ref, { kind: 'timer', name: output.name })
        })
      case 'clearTimer':
        return mailbox.timers.clear(output.name)
      case 'tell':
        this.tell(output.ref, output.input as unknown as AnyInput)
        return
      default:
        throw new Error(`output ${output.kind} is not an act`)
    }
  }

  #save(mailbox: Mailbox, change: ChangeInMaking): void {
    mailbox.ledger.save(change.build(), change.created === null, (result) => {
      const { clock } = this.#options
      mailbox.gaveFirstDoc(result.ok ? (change.rows[0]?.row.doc ?? null) : null)
      if (!result.ok) {
        for (const { to } of change.replies) this.#answer(to, { ok: false, code: 'SERVICE_UNAVAILABLE' })
        if (change.created !== null)
          this.tell(mailbox.ref, { kind: 'notStored', created: change.created, why: 'store failed' })
        return
      }
      for (const { to, outcome } of change.replies) this.#answer(to, outcome)
      const at = clock.now()
      for (const mark of change.marks) this.tell(mailbox.ref, { kind: 'stored', mark, at, sentAt: at })
      for (const input of change.after) this.tell(mailbox.ref, input)
    })
  }

  #answer(reply: number, outcome: Outcome): void {
    const resolve = this.#replies.get(reply)
    this.#replies.delete(reply)
    resolve?.(outcome)
  }

  #noteOwner(mailbox: Mailbox, table: string, id: string): void {
    const kind = table === 'transcribes' ? 'transcribe' : table === 'speakings' ? 'speaking' : null
    if (!kind || this.#owners.has(`${kind}:${id}`)) return
    this.#owners.set(`${kind}:${id}`, mailbox.ref.id)
    mailbox.made.push(`${kind}:${id}`)
  }

  #close(mailbox: Mailbox): void {
    mailbox.timers.clearAll()
    this.#mailboxes.delete(mailbox.ref.id)
    for (const input of mailbox.waiting) {
      if (input.kind === 'command') this.#answer(input.reply, { ok: false, code: 'CALL_NOT_FOUND' })
    }
    mailbox.waiting.length = 0
    if (!mailbox.birth) return
    this.#ended++
    this.#options.signalling.forget(mailbox.ref.id)
    for (const key of mailbox.made) this.#owners.delete(key)
  }

  /** A bug of ours ends this call, and only this one. */
  #crashed(mailbox: Mailbox, cause: unknown): void {
    const recent = mailbox.log.slice(-30).map(({ n, now, input }) => ({ n, now, kind: input.kind }))
    this.#options.log.error({ call_id: mailbox.ref.id, err: cause, recent }, 'call crashed')
    if (mailbox.birth) {
      this.#options.signalling.bye(mailbox.ref.id, 'failed')
      this.#options.signalling.reject(mailbox.ref.id, 500, 'Server Internal Error')
      this.#options.sound.close(mailbox.ref.id)
      this.#options.sound.detachEar(mailbox.ref.id, false)
    }
    mailbox.ledger.bury(mailbox.ref, mailbox.customerId)
    this.#close(mailbox)
  }
}

/** Rows, events and answers of one `handle`: one commit. */
class ChangeInMaking {
  readonly rows: { readonly table: NonNullable<Change['rows']>[number]['table']; readonly row: Row }[] = []
  readonly replies: { readonly to: number; readonly outcome: Outcome }[] = []
  readonly marks: number[] = []
  readonly after: CallInput[] = []
  created: string | null = null
  readonly #mailbox: Mailbox
  readonly #events: Change['events'][number][] = []
  #logs: NonNullable<Change['inputLogs']>[number][] = []

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
  }

  get isEmpty(): boolean {
    return this.rows.length + this.#events.length + this.replies.length + this.after.length + this.#logs.length === 0
  }

  /** Nothing to store: the answers wait for no commit, not even an earlier one on a disk that hangs. */
  get isOnlyReplies(): boolean {
    const { rows, marks, after, replies } = this
    return (
      replies.length > 0 && rows.length + marks.length + after.length + this.#events.length + this.#logs.length === 0
    )
  }

  /** @returns false when the output is not a record */
  take(output: CallOutput): boolean {
    const { ref, customerId } = this.#mailbox
    const isCall = ref.kind === 'call'
    switch (output.kind) {
      case 'row': {
        const { id, tmCreate, tmDelete, keys, doc, hidden } = output.row
        const row = { id, customer_id: customerId, tm_create_us: tmCreate, tm_delete_us: tmDelete, keys, doc, hidden }
        const known = this.rows.findIndex((one) => one.table === output.table && one.row.id === id)
        if (known >= 0) this.rows.splice(known, 1)
        this.rows.push({ table: output.table, row })
        return true
      }
      case 'event': {
        const { type, seq, offsetMs, data, ephemeral } = output.event
        this.#events.push({
          type,
          customerId,
          callId: isCall ? ref.id : null,
          seq: isCall ? seq : null,
          offsetMs: isCall ? offsetMs : null,
          data,
          ephemeral,
        })
        return true
      }
      case 'reply':
        if (output.to !== 0) this.replies.push({ to: output.to, outcome: output.outcome })
        if (output.created !== undefined) this.created = output.created
        return true
      case 'mark':
        this.marks.push(output.mark)
        return true
      case 'afterStored':
        this.after.push(output.input)
        return true
      default:
        return false
    }
  }

  addLog(lines: readonly string[]): void {
    this.#logs.push({ call_id: this.#mailbox.ref.id, customer_id: this.#mailbox.customerId, lines })
  }

  build(): Change {
    return { rows: this.rows, events: this.#events, ...(this.#logs.length > 0 ? { inputLogs: this.#logs } : {}) }
  }
}
