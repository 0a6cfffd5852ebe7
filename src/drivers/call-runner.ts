/**
 * Gives inputs to calls one by one and carries out their outputs. Sound and signalling act at once; answers and events
 * wait for the commit. Pure parts never see a clock, a store or a socket: this is where they meet.
 */

import { Activeflow, type ActiveflowCommand } from '../calls/activeflow.ts'
import { Call, type CallSettings } from '../calls/call.ts'
import type { CallCommand, Outcome, Ref } from '../calls/commands.ts'
import type { Errand, ErrandResult } from '../calls/errands.ts'
import { Groupcall, type GroupcallCommand, type GroupcallInput } from '../calls/groupcall.ts'
import type { Birth, CallInput, CallOutput, Dial, RunBirth, RunWish } from '../calls/part.ts'
import type { Errands, Records, Signalling, Sound } from '../calls/ports.ts'
import { LOG_VERSION } from '../calls/replay.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { TableName } from '../store/port.ts'
import { ChangeInMaking } from './change-in-making.ts'
import { Ledger } from './ledger.ts'
import { type AnyInput, type Mailbox, othersOf } from './mailbox.ts'
import { Timers } from './timers.ts'

/** Inputs waiting while one is being handled; past this, all but hang-up and flush are refused. */
const MAX_WAITING = 1_000
/** Entries of an input log; a call with more keeps its first ones. */
const MAX_LOG = 20_000

/** Records that belong to a call, by the table they are in. */
type Made = 'transcribe' | 'speaking' | 'activeflow'
const MADE: Readonly<Partial<Record<TableName, Made>>> = {
  transcribes: 'transcribe',
  speakings: 'speaking',
  activeflows: 'activeflow',
}

const CLOSED: Readonly<Record<Ref['kind'], string>> = {
  call: 'CALL_NOT_FOUND',
  groupcall: 'GROUPCALL_NOT_FOUND',
  activeflow: 'ACTIVEFLOW_NOT_FOUND',
}

/** Who asks for other calls; `birth` is null for a run without a call. */
export interface Dialler {
  readonly customerId: string
  readonly birth: Birth | null
}

export interface CallRunnerOptions {
  readonly clock: Clock
  readonly records: Records
  readonly signalling: Signalling
  readonly sound: Sound
  readonly settings: CallSettings
  readonly log: Log
  /** Absent: whatever is asked of the world outside comes to nothing. */
  readonly errands?: Errands
  /** Told the reason each call ended with, and its turn record. */
  readonly onEnded?: (reason: string, turns: JsonObject) => void
  /** For tests: every output as it is carried out. */
  readonly watch?: (callId: string, outputs: readonly CallOutput[]) => void
}

/** What the door into the calls does for them; set by `serve`. */
export interface Services {
  /** Makes the calls that a call dials (`connect`, `call`, transfers). */
  dial(from: Dialler, dial: Dial): void
  /** Of a groupcall that dials one after another. */
  dialMember(groupcallId: string, index: number): void
  /** Starts a run of a flow without media. */
  run(customerId: string, run: RunWish): void
  /** Something was told to a mailbox that is not there, or no longer. */
  untold(ref: Ref): void
  /** A mailbox is closed: nothing more will come of it. */
  over(ref: Ref): void
}

const NO_SERVICES: Services = { dial() {}, dialMember() {}, run() {}, untold() {}, over() {} }

export class CallRunner {
  readonly #options: CallRunnerOptions
  #services = NO_SERVICES
  readonly #mailboxes = new Map<string, Mailbox>()
  readonly #replies = new Map<number, (outcome: Outcome) => void>()
  readonly #owners = new Map<string, string>()
  /** Mailboxes that are closed, until their last records are stored. */
  readonly #settling = new Map<string, Promise<void>>()
  #lastReply = 0
  #ended = 0

  constructor(options: CallRunnerOptions) {
    this.#options = options
  }

  serve(services: Services): void {
    this.#services = services
  }

  get liveCalls(): number {
    let live = 0
    for (const mailbox of this.#mailboxes.values()) if (mailbox.birth) live++
    return live
  }

  get endedCalls(): number {
    return this.#ended
  }

  /** Lets go of all timers. What still lives is ended by the next start. */
  close(): void {
    for (const mailbox of this.#mailboxes.values()) mailbox.timers.clearAll()
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

  /** What kind of mailbox is open under an id, or null. */
  kindOf(id: string): Ref['kind'] | null {
    return this.#mailboxes.get(id)?.ref.kind ?? null
  }

  customerOf(id: string): string | null {
    return this.#mailboxes.get(id)?.customerId ?? null
  }

  callIds(): string[] {
    return [...this.#mailboxes.values()].filter((one) => one.birth).map((one) => one.ref.id)
  }

  /** Waits, when something is over, until its last records can be read. */
  settled(id: string): Promise<void> {
    return this.#settling.get(id) ?? Promise.resolve()
  }

  /** The call of a transcribe, a speaking or a run; null once it is over and stored. */
  callOf(kind: Made, id: string): string | null {
    return this.#owners.get(`${kind}:${id}`) ?? null
  }

  /** @returns its record as first stored, which may be its last; null when it could not be */
  bear(birth: Birth): Promise<JsonObject | null> {
    const part = new Call(this.#options.settings) as Mailbox['part']
    const ref = { kind: 'call', id: birth.callId } as const
    const { firstDoc } = this.#open(ref, birth.customerId, part, birth)
    this.tell(ref, birth)
    return firstDoc
  }

  /** @returns as `bear` */
  bearGroupcall(birth: GroupcallInput & { kind: 'born' }): Promise<JsonObject | null> {
    const part = new Groupcall() as Mailbox['part']
    const ref = { kind: 'groupcall', id: birth.groupcallId } as const
    const { firstDoc } = this.#open(ref, birth.customerId, part, null)
    this.tell(ref, birth)
    return firstDoc
  }

  /** @returns as `bear` */
  bearRun(birth: RunBirth): Promise<JsonObject | null> {
    const part = new Activeflow() as Mailbox['part']
    const ref = { kind: 'activeflow', id: birth.activeflowId } as const
    const { firstDoc } = this.#open(ref, birth.customerId, part, null)
    this.tell(ref, birth)
    return firstDoc
  }

  /** @returns false when the mailbox is closed or full */
  tell(ref: Ref, input: AnyInput): boolean {
    const mailbox = this.#mailboxes.get(ref.id)
    if (!mailbox) return false
    const isUrgent = input.kind === 'command' && isUrgentCommand(input.command)
    if (mailbox.waiting.length >= MAX_WAITING && !isUrgent) return false
    if (isUrgent) mailbox.waiting.unshift(input)
    else mailbox.waiting.push(input)
    if (!mailbox.isBusy) this.#drain(mailbox)
    return true
  }

  /** Answered after the commit. Never rejects. */
  ask(ref: Ref, command: CallCommand | GroupcallCommand | ActiveflowCommand): Promise<Outcome> {
    return new Promise((resolve) => {
      const reply = ++this.#lastReply
      this.#replies.set(reply, resolve)
      const told = this.tell(ref, { kind: 'command', reply, command } as AnyInput)
      if (!told) this.#answer(reply, { ok: false, code: CLOSED[ref.kind] })
    })
  }

  #open(ref: Ref, customerId: string, part: Mailbox['part'], birth: Birth | null): Mailbox {
    const ledger = new Ledger(this.#options.records, this.#options.clock, this.#options.log)
    const timers = new Timers(this.#options.clock)
    const first = Promise.withResolvers<JsonObject | null>()
    const mailbox: Mailbox = {
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
    }
    this.#mailboxes.set(ref.id, mailbox)
    return mailbox
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
    else if (!change.isEmpty) {
      const saved = this.#save(mailbox, change)
      if (isOver) this.#settle(mailbox, saved)
    }
    if (isOver) this.#close(mailbox)
  }

  /** Who asks about what it made waits with us: the records in the store still show it as live. */
  #settle({ ref: { id }, made }: Mailbox, saved: Promise<void>): void {
    const keys = made.splice(0)
    const settled = saved.then(() => {
      this.#settling.delete(id)
      for (const key of keys) this.#owners.delete(key)
    })
    this.#settling.set(id, settled)
  }

  /** Sound and signalling: at once. */
  #act(mailbox: Mailbox, output: CallOutput): void {
    const { signalling, sound } = this.#options
    const id = mailbox.ref.id
    switch (output.kind) {
      case 'ring':
        return signalling.ring(id, output.early)
      case 'accept':
        return signalling.accept(id)
      case 'hold':
        return signalling.hold(id, output.on)
      case 'reject':
        return signalling.reject(id, output.code, output.phrase)
      case 'invite':
        if (mailbox.birth) signalling.invite(id, mailbox.birth)
        return
      case 'cancelInvite':
        return signalling.cancel(id, output.elsewhere)
      case 'referProgress':
        return signalling.referred(id, output.code)
      case 'bye':
        return signalling.bye(id, output.reason)
      case 'openLeg':
        return sound.open(id, mailbox.birth?.masterCallId)
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
      case 'play':
        return sound.play(id, { ...output, customerId: mailbox.customerId })
      case 'bridge':
        return sound.bridge(id, output.peerCallId, output.oneWay)
      case 'unbridge':
        return sound.unbridge(id)
      case 'holdSound':
        return sound.hold(id, output.on)
      case 'background':
        return sound.background(id, output.sound)
      case 'mute':
        return sound.mute(id, output.direction)
      case 'echo':
        return sound.echo(id, output.on)
      case 'sendDigits':
        return sound.sendDigits(id, output.digits, output.durationMs, output.gapMs)
      default:
        return this.#askWorld(mailbox, output)
    }
  }

  /** Timers, other mailboxes, and what is outside. */
  #askWorld(mailbox: Mailbox, output: CallOutput): void {
    const { customerId, birth, ref } = mailbox
    switch (output.kind) {
      case 'errand':
        return this.#runErrand(mailbox, output.errand, output.what)
      case 'dial':
        return this.#services.dial({ customerId, birth }, output.dial)
      case 'dialMember':
        return this.#services.dialMember(ref.id, output.index)
      case 'startRun':
        return this.#services.run(customerId, output.run)
      case 'skipped': {
        const { action, actionId, why } = output
        const fields = { customer_id: customerId, [`${ref.kind}_id`]: ref.id, action, action_id: actionId, why }
        return this.#options.log.info(fields, 'an action of a flow was skipped')
      }
      case 'timer':
        return mailbox.timers.set(output.name, output.at, () => {
          this.tell(mailbox.ref, { kind: 'timer', name: output.name })
        })
      case 'clearTimer':
        return mailbox.timers.clear(output.name)
      case 'tell':
        return this.#pass(mailbox, output.ref, output.input as unknown as AnyInput)
      default:
        throw new Error(`output ${output.kind} is not an act`)
    }
  }

  /** A call that is not there any more cannot be the other side of a bridge: who believes so is told that it has left. */
  #pass(mailbox: Mailbox, ref: Ref, input: AnyInput): void {
    if (this.tell(ref, input)) return
    this.#services.untold(ref)
    if (input.kind !== 'peer') return
    const { news } = input
    if (news.kind === 'adopt') {
      this.tell(mailbox.ref, { kind: 'peer', news: { kind: 'notAdopted', callId: news.callId } })
    } else if (news.kind === 'takenOver') {
      this.tell(mailbox.ref, { kind: 'peer', news: { kind: 'notTakenOver' } })
    } else if (news.kind === 'connected') {
      // Nobody dials it any more: a person who answered must not wait in silence.
      this.tell({ kind: 'call', id: news.callId }, { kind: 'command', reply: 0, command: { kind: 'hangup' } })
    } else if (news.kind === 'joined' || news.kind === 'parked' || news.kind === 'handOver') {
      // `lead`: by one that leaves the two others to each other.
      const [to, gone] = news.kind === 'joined' && news.lead ? [news.callId, mailbox.ref.id] : [mailbox.ref.id, ref.id]
      this.tell({ kind: 'call', id: to }, { kind: 'peer', news: { kind: 'left', callId: gone, reason: 'normal' } })
    }
  }

  #runErrand(mailbox: Mailbox, errand: number, what: Errand): void {
    const { errands } = this.#options
    const none: ErrandResult = { ok: false, why: 'not available here' }
    const running = errands ? errands.run(mailbox.customerId, what) : Promise.resolve(none)
    void running.then((result) => this.tell(mailbox.ref, { kind: 'errandDone', errand, result }))
  }

  /** @returns settled when it is stored, or could not be */
  #save(mailbox: Mailbox, change: ChangeInMaking): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    mailbox.ledger.save(change.build(), change.created === null, (result) => {
      resolve()
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
    return promise
  }

  #answer(reply: number, outcome: Outcome): void {
    const resolve = this.#replies.get(reply)
    this.#replies.delete(reply)
    resolve?.(outcome)
  }

  #noteOwner(mailbox: Mailbox, table: TableName, id: string): void {
    const kind = mailbox.birth ? MADE[table] : undefined
    if (!kind || this.#owners.has(`${kind}:${id}`)) return
    this.#owners.set(`${kind}:${id}`, mailbox.ref.id)
    mailbox.made.push(`${kind}:${id}`)
  }

  #close(mailbox: Mailbox): void {
    mailbox.timers.clearAll()
    this.#mailboxes.delete(mailbox.ref.id)
    for (const input of mailbox.waiting) {
      if (input.kind === 'command') this.#answer(input.reply, { ok: false, code: CLOSED[mailbox.ref.kind] })
    }
    mailbox.waiting.length = 0
    for (const key of mailbox.made) this.#owners.delete(key)
    this.#services.over(mailbox.ref)
    if (!mailbox.birth) return
    this.#ended++
    this.#options.signalling.forget(mailbox.ref.id)
  }

  #tellGroupcalls(input: GroupcallInput): void {
    for (const { ref } of [...this.#mailboxes.values()]) if (ref.kind === 'groupcall') this.tell(ref, input)
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
    const others = othersOf(mailbox)
    mailbox.ledger.bury(mailbox.ref, mailbox.customerId)
    this.#close(mailbox)
    for (const { ref, input } of others) this.tell(ref, input)
    // Whatever it dialled, or was handed while it rang: each groupcall knows whose it is.
    if (mailbox.birth) this.#tellGroupcalls({ kind: 'masterLost', callId: mailbox.ref.id })
  }
}

/** Goes before what waits, and is taken when nothing else is any more. */
function isUrgentCommand(command: CallCommand | GroupcallCommand | ActiveflowCommand): boolean {
  const { kind } = command.kind === 'act' ? command.action : command
  return kind === 'hangup' || kind === 'flush'
}
