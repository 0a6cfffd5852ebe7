/** `transcribe_stop`: ends the transcription that the flow started. */

import { type ActionKind, atOnce } from './action.ts'

export const transcribeStop: ActionKind = (_option, host) => atOnce((fx) => host.stopTranscribe(fx))
