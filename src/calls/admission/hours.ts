/** Calling hours: whether a moment is one at which people may be called (ours). */

import type { CallingHours, Weekday } from '../../contract/limits.ts'
import { WEEKDAYS } from '../../contract/limits.ts'
import type { Micros } from '../../kernel/clock.ts'

const DAY_MINUTES = 24 * 60

/** From `from` up to `to`, of the days named; with `to` before `from` the night belongs to the day it began on. */
export function isWithin(hours: CallingHours, wall: Micros): boolean {
  const { day, minute } = localTime(hours.timezone, wall)
  const from = minutesOf(hours.from)
  const to = minutesOf(hours.to)
  const isOn = (weekday: Weekday): boolean => hours.weekdays.includes(weekday)
  if (from < to) return isOn(day) && minute >= from && minute < to
  return (isOn(day) && minute >= from) || (isOn(before(day)) && minute < to)
}

function before(day: Weekday): Weekday {
  return WEEKDAYS[(WEEKDAYS.indexOf(day) + WEEKDAYS.length - 1) % WEEKDAYS.length]!
}

function minutesOf(time: string): number {
  const [hour, minute] = time.split(':').map(Number)
  return hour! * 60 + minute!
}

/** Making one costs much, and people live in few time zones. */
const formats = new Map<string, Intl.DateTimeFormat>()
const MOST_FORMATS = 500

function localTime(timezone: string, wall: Micros): { readonly day: Weekday; readonly minute: number } {
  const parts = formatOf(timezone).formatToParts(new Date(Math.floor(wall / 1000)))
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  const minute = Number(part('hour')) * 60 + Number(part('minute'))
  return { day: part('weekday').toLowerCase() as Weekday, minute: minute % DAY_MINUTES }
}

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  if (formats.size >= MOST_FORMATS) formats.clear()
  formats.set(timezone, made)
  return made
}
