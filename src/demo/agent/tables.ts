/**
 * The two tables of the conversation. TOPIC: what the talk is about and what each question leads to.
 * VOICE: whether the agent is speaking, and what a sentence heard meanwhile does to that.
 */

import type { Table } from '../../kernel/machine.ts'
import type { Intent, Topic } from './phrases.ts'

export type Ask = Exclude<Intent, 'stop' | 'goOn' | 'restart'>
export type Reply =
  | 'tellAbilities'
  | 'tellHours'
  | 'tellNobody'
  | 'tellHelp'
  | 'measure'
  | 'repeat'
  | 'newBooking'
  | 'note'
  | 'ask'
  | 'askChange'
  | 'tellBooked'
  | 'dropBooking'
  | 'sayGoodbye'

/** In every topic one can ask something and come back, or leave. */
function aside<T extends Topic>(topic: T) {
  return {
    abilities: { to: topic, run: ['tellAbilities'] },
    hours: { to: topic, run: ['tellHours'] },
    speed: { to: topic, run: ['measure'] },
    person: { to: topic, run: ['tellNobody'] },
    again: { to: topic, run: ['repeat'] },
    help: { to: topic, run: ['tellHelp'] },
    book: { to: 'day', run: ['newBooking'] },
    bye: { to: 'leaving', run: ['sayGoodbye'] },
  } as const
}

export const TOPIC: Table<Topic, Ask, Reply> = {
  menu: {
    ...aside('menu'),
    yes: { to: 'menu', run: ['tellHelp'] },
    no: { to: 'leaving', run: ['sayGoodbye'] },
    day: 'ignore',
    time: 'ignore',
    party: 'ignore',
  },
  day: {
    ...aside('day'),
    day: { to: 'time', run: ['note'] },
    yes: { to: 'day', run: ['ask'] },
    no: { to: 'menu', run: ['dropBooking'] },
    time: 'ignore',
    party: 'ignore',
  },
  time: {
    ...aside('time'),
    day: { to: 'time', run: ['note'] },
    time: { to: 'party', run: ['note'] },
    yes: { to: 'time', run: ['ask'] },
    no: { to: 'menu', run: ['dropBooking'] },
    party: 'ignore',
  },
  party: {
    ...aside('party'),
    day: { to: 'party', run: ['note'] },
    time: { to: 'party', run: ['note'] },
    party: { to: 'confirm', run: ['note'] },
    yes: { to: 'party', run: ['ask'] },
    no: { to: 'menu', run: ['dropBooking'] },
  },
  confirm: {
    ...aside('confirm'),
    day: { to: 'confirm', run: ['note'] },
    time: { to: 'confirm', run: ['note'] },
    party: { to: 'confirm', run: ['note'] },
    yes: { to: 'menu', run: ['tellBooked'] },
    no: { to: 'confirm', run: ['askChange'] },
  },
  leaving: {
    abilities: 'ignore',
    hours: 'ignore',
    speed: 'ignore',
    person: 'ignore',
    again: 'ignore',
    help: 'ignore',
    book: 'ignore',
    bye: 'ignore',
    yes: 'ignore',
    no: 'ignore',
    day: 'ignore',
    time: 'ignore',
    party: 'ignore',
  },
}

/** `cutting`: a flush is asked for and we wait to be told what was heard. `stopped`: we have asked "Shall I go on?". */
export type Voice = 'silent' | 'speaking' | 'cutting' | 'stopped'
export type VoiceInput = 'stop' | 'goOn' | 'restart' | 'yes' | 'no' | 'other' | 'outside' | 'quiet' | 'cut' | 'lost'
export type VoiceAction =
  | 'flush'
  | 'answer'
  | 'repeat'
  | 'resume'
  | 'dropRest'
  | 'sayOutside'
  | 'sayNotSpeaking'
  | 'sayNothingLeft'
  | 'tellWhereCut'

export const VOICE: Table<Voice, VoiceInput, VoiceAction> = {
  silent: {
    stop: { to: 'speaking', run: ['sayNotSpeaking'] },
    goOn: { to: 'speaking', run: ['sayNothingLeft'] },
    restart: { to: 'speaking', run: ['repeat'] },
    yes: { to: 'speaking', run: ['answer'] },
    no: { to: 'speaking', run: ['answer'] },
    other: { to: 'speaking', run: ['answer'] },
    outside: { to: 'speaking', run: ['sayOutside'] },
    quiet: 'ignore',
    cut: 'ignore',
    lost: 'ignore',
  },
  speaking: {
    stop: { to: 'cutting', run: ['flush'] },
    goOn: 'ignore',
    restart: { to: 'speaking', run: ['flush', 'repeat'] },
    yes: { to: 'speaking', run: ['flush', 'answer'] },
    no: { to: 'speaking', run: ['flush', 'answer'] },
    other: { to: 'speaking', run: ['flush', 'answer'] },
    outside: 'ignore',
    quiet: { to: 'silent' },
    cut: 'ignore',
    lost: 'ignore',
  },
  cutting: {
    stop: 'ignore',
    goOn: 'ignore',
    restart: { to: 'speaking', run: ['repeat'] },
    yes: { to: 'speaking', run: ['answer'] },
    no: { to: 'speaking', run: ['answer'] },
    other: { to: 'speaking', run: ['answer'] },
    outside: 'ignore',
    quiet: 'ignore',
    cut: { to: 'stopped', run: ['tellWhereCut'] },
    lost: { to: 'stopped', run: ['tellWhereCut'] },
  },
  stopped: {
    stop: { to: 'stopped', run: ['flush'] },
    goOn: { to: 'speaking', run: ['flush', 'resume'] },
    restart: { to: 'speaking', run: ['flush', 'repeat'] },
    yes: { to: 'speaking', run: ['flush', 'resume'] },
    no: { to: 'speaking', run: ['flush', 'dropRest'] },
    other: { to: 'speaking', run: ['flush', 'answer'] },
    outside: { to: 'stopped', run: ['flush', 'sayOutside'] },
    quiet: 'ignore',
    cut: 'ignore',
    lost: 'ignore',
  },
}
