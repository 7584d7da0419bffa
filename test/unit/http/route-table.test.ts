import { expect, test } from 'vitest'
import { createRouteTable } from '../../../src/http/route-table.ts'

const routes = createRouteTable()
routes.add(['GET', 'POST'], '/postback/:token')
routes.add('GET', '/v1/offers')
routes.add('POST', '/v1/offers')
routes.add('GET', '/docs/*')

test.each([
  ['/v1/offers?x=1', ['GET', 'POST']],
  ['/v1/offers/', ['GET', 'POST']],
  ['/postback/abc', ['GET', 'POST']],
  ['//postback//abc/', ['GET', 'POST']],
  ['/postback/', []],
  ['/postback/a/b', []],
  ['/docs/js/a.js', ['GET']],
  ['/', []],
])('%s takes %j', (url, methods) => {
  expect(routes.methodsOf(url)).toEqual(methods)
})
