/**
 * What the far end of a leg hears beside our own speech: the other members of its group, its echo, and a background while
 * there is nothing else. Mixed into the frame that the play-out has filled; nothing of it counts as a say's sound.
 */

import { FADE_MS, fadeIn, fadeOut } from '../audio/fade.ts'
import type { Millis } from '../kernel/clock.ts'
import { backgroundLoop } from './background.ts'
import { Member, MixGroup } from './group.ts'
import type { Lending } from './guest.ts'
import type { Key } from './keys.ts'
import type { Background } from './protocol.ts'

/** The background comes back when nobody has spoken for so long, not between two sentences. */
const BACKGROUND_AFTER_MS = 400

export class Surroundings {
  readonly #rateHz: number
  readonly #press: (key: Key) => void
  /** As long as the frames that are added to. */
  #frame: Int16Array
  readonly #around: Fader
  readonly #behind: Fader
  /** Made when first needed: most legs are never in a group. */
  #member: Member | null = null
  #group: MixGroup | null = null
  /** Where a leg hears its echo that is in no group. */
  #solo: MixGroup | null = null
  #loop: Int16Array | null = null
  #loopAt = 0
  #quietSamples = Number.POSITIVE_INFINITY
  #isDeafened = false
  /** To the thread where the other members of its group are. */
  #lending: Lending | null = null

  /** @param press sends a key of another member to our far end */
  constructor(rateHz: number, frameSamples: number, press: (key: Key) => void) {
    this.#rateHz = rateHz
    this.#press = press
    this.#frame = new Int16Array(frameSamples)
    this.#around = new Fader(rateHz)
    this.#behind = new Fader(rateHz)
  }

  get group(): MixGroup | null {
    return this.#group
  }

  // ---------------------------------------------------------------- commands

  join(group: MixGroup, talks: boolean, hears: boolean): void {
    const member = this.#joining()
    if (group !== this.#group) {
      this.leave()
      this.#solo?.remove(member)
      this.#solo = null
      group.add(member)
      this.#group = group
    }
    member.talks = talks
    member.hears = hears
  }

  leave(): void {
    const member = this.#member
    if (!member || !this.#group) return
    this.#group.remove(member)
    this.#group = null
    member.talks = false
    member.hears = false
    if (member.echoes) this.#alone(member)
  }

  /** What is given to the group goes there too; null: no more. */
  lend(lending: Lending | null): void {
    this.#lending = lending
  }

  echo(on: boolean): void {
    if (!on && !this.#member) return
    const member = this.#joining()
    member.echoes = on
    if (this.#group) return
    if (on) this.#alone(member)
    else this.#solo = null
  }

  background(sound: Background): void {
    this.#loop = sound === 'none' ? null : backgroundLoop(sound, this.#rateHz)
    this.#loopAt = 0
    if (!this.#loop) this.#behind.cut()
  }

  deafen(on: boolean): void {
    this.#isDeafened = on
    if (!this.#member) return
    this.#member.isDeafened = on
    if (on) this.#member.feed.forget()
  }

  // ---------------------------------------------------------------- in

  /** Whether somebody wants to have what the far end says. */
  get isListening(): boolean {
    return !this.#isDeafened && (this.#group ?? this.#solo) !== null
  }

  /** Only while `isListening`. */
  heard(ssrc: number, rtpTime: number, pcm: Int16Array, count: number): void {
    this.#member?.feed.sound(ssrc, rtpTime, pcm, count)
    this.#lending?.sound(ssrc, rtpTime, pcm, count)
  }

  /** The far end pressed a key. */
  pressed(key: Key): void {
    if (this.#member) this.#group?.relay(this.#member, key)
    this.#lending?.key(key)
  }

  // ---------------------------------------------------------------- out

  /**
   * Adds to a frame.
   * @param isSaying whether the play-out put sound in; else what is in it does not count
   * @param isMuted nothing of this may be heard either
   * @param due when the frame leaves by its grid
   * @returns whether there is sound in it now
   */
  add(frame: Int16Array, isSaying: boolean, isMuted: boolean, due: Millis): boolean {
    if (this.#frame.length !== frame.length) this.#frame = new Int16Array(frame.length)
    this.#quietSamples = isSaying ? 0 : this.#quietSamples + frame.length
    let isSound = this.#addGroup(frame, isSaying, isMuted, due)
    if (this.#loop) isSound = this.#addBackground(this.#loop, frame, isSound, isMuted)
    return isSound
  }

  /** A frame has left without any of this, as a key. */
  skip(): void {
    this.#around.cut()
    this.#behind.cut()
  }

  #addGroup(frame: Int16Array, isSound: boolean, isMuted: boolean, due: Millis): boolean {
    const group = this.#group ?? this.#solo
    if (!group?.hear(this.#member!, due, this.#frame)) {
      this.#around.set(!isMuted)
      return isSound
    }
    return this.#around.pass(this.#frame, !isMuted) ? mixed(frame, this.#frame, isSound) : isSound
  }

  #addBackground(loop: Int16Array, frame: Int16Array, isSound: boolean, isMuted: boolean): boolean {
    const isQuiet = this.#quietSamples * 1000 >= BACKGROUND_AFTER_MS * this.#rateHz
    const isOn = isQuiet && !isMuted && !(this.#member && this.#group?.isTalkedTo(this.#member))
    const at = this.#loopAt
    this.#loopAt = (at + frame.length) % loop.length
    if (!isOn && !this.#behind.isOn) return isSound
    const head = Math.min(frame.length, loop.length - at)
    this.#frame.set(loop.subarray(at, at + head))
    if (head < frame.length) this.#frame.set(loop.subarray(0, frame.length - head), head)
    this.#behind.pass(this.#frame, isOn)
    return mixed(frame, this.#frame, isSound)
  }

  // ----------------------------------------------------------------

  #joining(): Member {
    this.#member ??= new Member(this.#rateHz, this.#press)
    this.#member.isDeafened = this.#isDeafened
    return this.#member
  }

  #alone(member: Member): void {
    this.#solo = new MixGroup(this.#rateHz)
    this.#solo.add(member)
  }
}

/** Switches a sound on and off without a click. */
class Fader {
  readonly #length: number
  isOn = false

  constructor(rateHz: number) {
    this.#length = (rateHz * FADE_MS) / 1000
  }

  /** For a frame that is silent anyway. */
  set(isOn: boolean): void {
    this.isOn = isOn
  }

  cut(): void {
    this.isOn = false
  }

  /** The next frame. @returns whether anything of it is left */
  pass(pcm: Int16Array, isOn: boolean): boolean {
    const wasOn = this.isOn
    this.isOn = isOn
    if (isOn && !wasOn) fadeIn(pcm, 0, this.#length, 0, this.#length)
    if (isOn || !wasOn) return isOn
    fadeOut(pcm, 0, this.#length)
    pcm.fill(0, this.#length)
    return true
  }
}

/** Adds `more` to `frame`, saturating; replaces it when there was no sound in it. @returns true */
function mixed(frame: Int16Array, more: Int16Array, isSound: boolean): true {
  if (!isSound) frame.set(more)
  else {
    for (let i = 0; i < frame.length; i++) {
      const sum = frame[i]! + more[i]!
      frame[i] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : sum
    }
  }
  return true
}
