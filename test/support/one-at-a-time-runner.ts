import jestRunner from 'jest-runner';

/** Its types are those of the CommonJS build, where the class lies one deeper than in the one that is imported. */
const TestRunner = jestRunner as unknown as typeof jestRunner.default;

/** jest has the files of one runner done before it begins with those of another; this one runs its own one after another. */
export default class OneAtATimeRunner extends TestRunner {
  override readonly isSerial = true;
}
