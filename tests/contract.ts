/** For tests over real HTTP and real events: is what came exactly what the contract promises? */

import { World } from '../src/api/test-world.ts'

export { assertEvent } from '../src/contract/check.ts'

let world: World | null = null

/**
 * @param url path as asked, with or without its query
 * @param body parsed JSON, or the text of an answer that is none ('' for no body)
 * @throws Error when the route does not promise this status, or the body is not exactly of its schema (§1.4 for refusals)
 */
export async function assertAnswer(method: string, url: string, status: number, body: unknown): Promise<void> {
  world ??= await readyWorld()
  world.answers.assert(method.toUpperCase(), url, status, body)
}

async function readyWorld(): Promise<World> {
  const made = new World()
  await made.app.ready()
  return made
}
