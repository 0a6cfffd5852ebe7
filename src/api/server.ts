/** The REST API as a fastify server that does not listen yet. WebSocket upgrades are not its business. */

import Fastify, { type FastifyInstance, type FastifyRequest, type RouteOptions } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { App, Desk } from './app.ts'
import { authenticator, type Identity, requireIdentity } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { requireReach } from './direct.ts'
import { healthRoutes } from './health.ts'
import { Ledger } from './ledger.ts'
import { describeApi } from './openapi.ts'
import { operatorRoutes } from './operator.ts'
import { ApiRates } from './rate-limit.ts'
import { referenceRoutes } from './reference.ts'
import { noteFault, refusalOf, refuse } from './refusals.ts'
import { accesskeyRoutes } from './resources/accesskeys.ts'
import { activeflowRoutes } from './resources/activeflows.ts'
import { agentRoutes } from './resources/agents.ts'
import { authRoutes } from './resources/auth.ts'
import { callControlRoutes } from './resources/call-controls.ts'
import { callRoutes } from './resources/calls.ts'
import { captureRoutes } from './resources/captures.ts'
import { customerRoutes } from './resources/customers.ts'
import { extensionRoutes } from './resources/extensions.ts'
import { flowRoutes } from './resources/flows.ts'
import { groupcallRoutes } from './resources/groupcalls.ts'
import { languageRoutes } from './resources/languages.ts'
import { laterRoutes } from './resources/later.ts'
import { limitRoutes } from './resources/limits.ts'
import { numberRoutes } from './resources/numbers.ts'
import { privacyRoutes, retentionRoutes } from './resources/privacy.ts'
import { providerRoutes } from './resources/providers.ts'
import { routeRoutes } from './resources/routes.ts'
import { speakingRoutes } from './resources/speakings.ts'
import { timelineRoutes } from './resources/timelines.ts'
import { transcribeRoutes, transcriptRoutes } from './resources/transcribes.ts'
import { trunkRoutes } from './resources/trunks.ts'
import { usageRoutes } from './resources/usage.ts'
import { webhookDeliveryRoutes } from './resources/webhook-deliveries.ts'
import { webhookRoutes } from './resources/webhooks.ts'
import { newRequestId } from './secrets.ts'
import { acceptBodies, shareAcrossOrigins } from './transport.ts'

const BODY_LIMIT_BYTES = 1024 * 1024
const SAFE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/**
 * @param eachRoute is told of every route
 * @returns a server ready for `inject`, `listen`, and further routes
 */
export function buildServer(deps: ApiDeps, eachRoute: (route: RouteOptions) => void = () => {}): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    requestIdHeader: false,
    // A path that cannot be decoded never reaches the router, nor the hooks.
    frameworkErrors: (_error, request, reply) => {
      reply.header('x-request-id', request.id)
      refuse(request, reply, { code: 'ROUTE_NOT_FOUND' })
    },
    genReqId: (request) => {
      const asked = request.headers['x-request-id']
      return typeof asked === 'string' && SAFE_REQUEST_ID.test(asked) ? asked : newRequestId(deps.randomBytes)
    },
  }).withTypeProvider<ZodTypeProvider>()
  app.addHook('onRoute', eachRoute)
  app.setValidatorCompiler(validatorCompiler)
  // What goes out was checked when it was made; that all of it has the form of its schema is held by every test.
  app.setSerializerCompiler(() => JSON.stringify)

  const ledger = new Ledger(deps)
  const rates = new ApiRates(deps.clock, deps.settings.requestsPerSecond)
  const desk: Desk = { deps, ledger, authenticate: authenticator(deps), rates }
  acceptBodies(app)
  shareAcrossOrigins(app)
  answerErrors(app, deps)
  noteRequests(app, deps)
  app.decorateRequest('identity')
  describeApi(app, deps.settings)
  app.register(async (scope) => openRoutes(scope.withTypeProvider<ZodTypeProvider>(), desk))
  app.register(async (scope) => guardedRoutes(scope.withTypeProvider<ZodTypeProvider>(), desk), { prefix: '/v1.0' })
  return app as unknown as FastifyInstance
}

/** Routes that need no credential. */
function openRoutes(app: App, desk: Desk): void {
  healthRoutes(app, desk.deps)
  if (desk.deps.operator) operatorRoutes(app, desk.deps.operator)
  referenceRoutes(app, desk.deps.settings)
  app.register(async (scope) => authRoutes(scope.withTypeProvider<ZodTypeProvider>(), desk, false), { prefix: '/auth' })
  app.register(async (scope) => authRoutes(scope.withTypeProvider<ZodTypeProvider>(), desk, true), {
    prefix: '/v1.0/auth',
  })
}

/** Everything else under `/v1.0`: who asks is known before anything of the request is looked at. */
function guardedRoutes(app: App, desk: Desk): void {
  const withDirect = authenticator(desk.deps, true)
  app.addHook('onRequest', async (request: FastifyRequest & { identity: Identity }) => {
    request.identity = await requireIdentity(withDirect, request)
    requireReach(request.identity, request)
    desk.rates.request(request.identity.customerId, request.routeOptions.url ?? '')
  })
  customerRoutes(app, desk)
  accesskeyRoutes(app, desk)
  agentRoutes(app, desk)
  numberRoutes(app, desk)
  extensionRoutes(app, desk)
  trunkRoutes(app, desk)
  providerRoutes(app, desk)
  routeRoutes(app, desk)
  flowRoutes(app, desk)
  activeflowRoutes(app, desk)
  callRoutes(app, desk)
  callControlRoutes(app, desk)
  captureRoutes(app, desk)
  groupcallRoutes(app, desk)
  transcribeRoutes(app, desk)
  transcriptRoutes(app, desk)
  speakingRoutes(app, desk)
  retentionRoutes(app, desk)
  privacyRoutes(app, desk)
  webhookRoutes(app, desk)
  webhookDeliveryRoutes(app, desk)
  languageRoutes(app, desk)
  timelineRoutes(app, desk)
  limitRoutes(app, desk)
  usageRoutes(app, desk)
  laterRoutes(app)
}

function answerErrors(app: App, { log }: ApiDeps): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error)
    noteFault(log, request, refusal, error)
    return refuse(request, reply, refusal)
  })
  app.setNotFoundHandler((request, reply) => refuse(request, reply, { code: 'ROUTE_NOT_FOUND' }))
}

/** One debug line a request: the route, never the URL, whose query may hold a credential. */
function noteRequests(app: App, { log }: ApiDeps): void {
  app.addHook('onResponse', (request, reply, done) => {
    const fields = {
      request_id: request.id,
      method: request.method,
      route: request.routeOptions.url ?? '',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      ...(request.identity ? { customer_id: request.identity.customerId } : {}),
    }
    log.debug(fields, 'request')
    done()
  })
}
