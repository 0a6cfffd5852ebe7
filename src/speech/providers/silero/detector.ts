/** Silero as the listening thread's detector: loads the published model, keeps one state per ear. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Detector } from '../../listen/port.ts'
import { FRAME_SAMPLES, Network, type NetworkState, newState } from './network.ts'
import { readConstants } from './onnx.ts'

const MODEL = '@ricky0123/vad-web/dist/silero_vad_v5.onnx'

/** The network with the weights of the installed package. About 15 ms. @throws when the package or its model is missing */
export function loadNetwork(): Network {
  return new Network(readConstants(readFileSync(createRequire(import.meta.url).resolve(MODEL))))
}

/** One ear's detector. All detectors of a thread share one `network`. */
export class SileroDetector implements Detector {
  readonly frameSamples = FRAME_SAMPLES
  readonly #network: Network
  #state: NetworkState = newState()

  constructor(network: Network) {
    this.#network = network
  }

  probability(frame: Int16Array): number {
    return this.#network.step(frame, this.#state)
  }

  reset(): void {
    this.#state = newState()
  }
}
