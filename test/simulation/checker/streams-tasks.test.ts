import { describe, expect, test } from 'vitest'
import { checkHistory, type Operation, type TasksTold } from './index.ts'
import { span } from './samples.ts'

describe('tasks of a streams group', () => {
  const told = (member: string, more: Partial<TasksTold> = {}): TasksTold => ({
    ...{ kind: 'tasks', group: 'g', member, process: member, epoch: 1, active: [], standby: [], standbyReplicas: 1 },
    ...span(),
    ...more,
  })
  const propertiesOf = (history: readonly Operation[]) => checkHistory(history).map(({ property }) => property)

  test('each is active at one, and a standby elsewhere', () => {
    const [one, other] = [told('m', { active: [0], standby: [1] }), told('n', { active: [1], standby: [0] })]
    expect(propertiesOf([one, other, told('m', { epoch: 2, active: [1] })])).toEqual([])
  })
  test('active at two in one epoch', () => {
    expect(propertiesOf([told('m', { active: [0] }), told('n', { active: [0, 1] })])).toEqual(['two-owners'])
  })
  test('active at two, of whom one has taken the place of the other, or of a group that had gone', () => {
    const isStatic = { active: [0], instance: 'i' }
    expect(propertiesOf([told('m', isStatic), told('n', isStatic)])).toEqual([])
    const gone: Operation = { kind: 'expiry', group: 'g', partition: undefined, ...span() }
    const [before, end, after] = [told('m', { active: [0] }), { ...gone, ...span() }, told('n', { active: [0] })]
    expect(propertiesOf([before, end, after])).toEqual([])
  })
  test('a standby where the task is active', () => {
    expect(propertiesOf([told('m', { active: [0], standby: [0] })])).toEqual(['two-roles'])
  })
  test('a task twice in one process', () => {
    const [one, other] = [told('m', { active: [0], process: 'p' }), told('n', { standby: [0], process: 'p' })]
    expect(propertiesOf([one, other])).toEqual(['two-roles'])
  })
  test('more standbys than there shall be', () => {
    const standbys = [told('m', { standby: [0] }), told('n', { standby: [0] })]
    expect(propertiesOf(standbys)).toEqual(['two-roles'])
    expect(propertiesOf(standbys.map(one => ({ ...one, standbyReplicas: 2 })))).toEqual([])
    const [before, after] = ['m', 'n'].map(member => told(member, { standby: [0], instance: 'i', process: 'p' }))
    expect(propertiesOf([told('l', { standby: [0], standbyReplicas: 2 }), before!, after!])).toEqual([])
  })
})
