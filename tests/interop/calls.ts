/** What was told about one call, found among the events of a world. */

import type { Doc, World } from './world.ts'

/** Texts of one call's transcripts so far, in the order they were told. */
export function transcriptsOf(world: World, callId: string): (direction: 'in' | 'out') => string[] {
  return (direction) => {
    const ids = world.events
      .filter(({ type, data }) => type === 'transcribe_created' && data['reference_id'] === callId)
      .map(({ data }) => data['id'])
    return world.events
      .filter(({ type, data }) => type === 'transcript_created' && ids.includes(data['transcribe_id']))
      .filter(({ data }) => data['direction'] === direction)
      .map(({ data }) => String(data['message']))
  }
}

/** The statuses a call went through, from its events. */
export function statusesOf(world: World, callId: string): string[] {
  return world.events
    .filter(({ type, data }) => /^call_(?!created|updated)/.test(type) && data['id'] === callId)
    .map(({ data }) => String(data['status']))
}

/** The event that a call from this extension came in. */
export function callFrom(world: World, user: string, type = 'call_progressing'): Promise<Doc> {
  return world.event(type, ({ source, direction }) => direction === 'incoming' && (source as Doc)['target'] === user)
}

/** Words only, so that a recogniser's spelling does not matter. */
export function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z ]/g, '')
}
