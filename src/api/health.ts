/** Is it alive, is it ready, what does it count. */

import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'

export function healthRoutes(app: App, { isReady, metrics }: Pick<ApiDeps, 'isReady' | 'metrics'>): void {
  const schema = { hide: true }
  app.get('/ping', { schema }, async () => ({ message: 'pong' }))
  app.get('/healthz', { schema }, async () => ({ status: 'ok' }))
  app.get('/readyz', { schema }, async (_request, reply) => {
    const state = isReady()
    return reply.code(state.ready ? 200 : 503).send(state)
  })
  app.get('/metrics', { schema }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  )
}
