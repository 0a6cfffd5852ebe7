import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { holds, wantedOf, wordsOf } from './words.ts'

describe('words of a text', () => {
  test('are its letters and digits, lower case, in one form, each once', () => {
    assert.deepEqual([...wordsOf("Don't STOP, ｓｔｏｐ ﬁne 42!")], ['don', 't', 'stop', 'fine', '42'])
    assert.deepEqual([...wordsOf('Straße ÉTÉ e\u0301te\u0301')], ['straße', 'été'])
    assert.deepEqual([...wordsOf(' …?! 😀 ')], [])
  })

  test('are pairs in scripts without spaces, and the character itself where it stands alone', () => {
    assert.deepEqual([...wordsOf('예약을 abc取消 猫')], ['abc', '예약', '약을', '取消', '猫'])
  })

  test('a run is found inside a longer one, a word only whole', () => {
    assert.equal(holds('내일 예약을 취소', wantedOf('예약')), true)
    assert.equal(holds('내일 예약을 취소', wantedOf('약취')), false)
    assert.equal(holds('cancel it', wantedOf('IT cancel')), true)
    assert.equal(holds('cancelled', wantedOf('cancel')), false)
  })
})
