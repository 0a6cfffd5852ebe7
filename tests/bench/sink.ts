/** In place of the recognisers: counts what it is fed and understands nothing. For `door.ts`, through the worker's `pool`. */

import type { Recogniser, RecogniserPool } from '../../src/speech/listen/port.ts'

const PRIME_SAMPLES = 0
const NOTHING = { text: '', rejected: false }

class Sink implements Recogniser {
  readonly primeSamples = PRIME_SAMPLES
  fed = 0

  begin(): void {}
  prime(): void {}
  feed(samples: Int16Array): void {
    this.fed += samples.length
  }

  partial(): string {
    return ''
  }

  end(): typeof NOTHING {
    return NOTHING
  }

  again(): void {}
}

class Sinks implements RecogniserPool {
  readonly name = 'sink'
  readonly isMaking = false
  readonly size = 5_000
  busy = 0

  speaks(): boolean {
    return true
  }

  unknownWords(): readonly string[] {
    return []
  }

  take(): Recogniser {
    this.busy++
    return new Sink()
  }

  give(): void {
    this.busy--
  }

  replace(): void {
    this.busy--
  }
}

export async function open(): Promise<Sinks> {
  return new Sinks()
}
