/** The two ends of a thread as the main thread sees them: a worker in the server, a direct call in the simulation. */

export interface Channel<Command, Event> {
  post(command: Command): void
  /** Set once, before the first command. Events of one moment come together. */
  onEvents: (events: readonly Event[]) => void
  /** Told once when the other side is gone without having been asked to. */
  onLost: () => void
  close(): Promise<void>
}
