/** A phone in a thread of its own, so that what the test's thread does cannot disturb its packets or their times. */

import { parentPort, workerData } from 'node:worker_threads'
import { isVoiced } from '../../src/audio/level.ts'
import { RealClock } from '../../src/drivers/real-clock.ts'
import { UdpNetwork } from '../../src/net/udp.ts'
import type { PhoneCall } from '../../src/phone/call.ts'
import { Phone } from '../../src/phone/user-agent.ts'
import type { FarPhoneCommand, FarPhoneNews, Frame } from './far-phone.ts'

const TELL_EVERY_MS = 20
const HERE = '127.0.0.1'

const port = parentPort
if (!port) throw new Error('this file is a worker')
const { sipPort, user } = workerData as { sipPort: number; user: string }
const phone = await Phone.open({
  network: new UdpNetwork(),
  clock: new RealClock(),
  localAddress: HERE,
  server: { address: HERE, port: sipPort },
  user,
  seed: user,
})
let call: PhoneCall | null = null
let frames: Frame[] = []
const tell = (news: FarPhoneNews): void => port.postMessage(news)
const flush = (): void => {
  if (frames.length > 0) tell({ kind: 'frames', frames })
  frames = []
}
const timer = setInterval(flush, TELL_EVERY_MS)

async function dial(target: string): Promise<void> {
  const mine = await phone.call(target)
  call = mine
  mine.onFrame = (pcm8k, { at, sequence }) => void frames.push({ at, sequence, isVoiced: isVoiced(pcm8k) })
  mine.answered.then(
    () => tell({ kind: 'answered' }),
    () => {},
  )
  void mine.ended.then(({ code, cause }) => {
    flush()
    tell({ kind: 'ended', code, cause })
  })
}

async function close(): Promise<void> {
  clearInterval(timer)
  await phone.close()
  tell({ kind: 'closed' })
  port?.close()
}

port.on('message', (command: FarPhoneCommand) => {
  if (command.kind === 'call') void dial(command.target)
  else if (command.kind === 'speak')
    void call?.speak(command.pcm8k).then((spoken) => tell({ kind: 'spoken', ...spoken }))
  else if (command.kind === 'press') call?.press(command.digit)
  else if (command.kind === 'hangup') call?.hangup()
  else void close()
})
tell({ kind: 'ready' })
