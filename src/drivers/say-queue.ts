/**
 * Keeps what one leg is to say in one lane in order while a sound file of it is still being fetched: what is asked for
 * later waits behind it. While nothing is fetched, nothing waits.
 */

interface Waiting {
  /** Passes it on, when it is there. */
  pass: (() => void) | null
}

export class SayQueue {
  #waiting: Waiting[] = []

  /** Passes on now, or after all that waits. */
  add(pass: () => void): void {
    if (this.#waiting.length === 0) pass()
    else this.#waiting.push({ pass })
  }

  /** Keeps a place. @returns fills it: passes on when its turn comes, or never, when it was dropped meanwhile */
  reserve(): (pass: () => void) => void {
    const place: Waiting = { pass: null }
    this.#waiting.push(place)
    return (pass) => {
      if (!this.#waiting.includes(place)) return
      place.pass = pass
      this.#passReady()
    }
  }

  /** Forgets all that waits. */
  drop(): void {
    this.#waiting = []
  }

  #passReady(): void {
    for (let head = this.#waiting[0]; head?.pass; head = this.#waiting[0]) {
      this.#waiting.shift()
      head.pass()
    }
  }
}
