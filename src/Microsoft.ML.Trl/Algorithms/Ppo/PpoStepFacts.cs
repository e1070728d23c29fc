namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What <see cref="PpoRecorder"/> cannot see in the rollout.</summary>
/// <param name="GivenScores">[B] as the caller gave them.</param>
/// <param name="Scores">[B] as they were learnt from.</param>
/// <param name="KlCoefficient">Reward units per nat that the step used.</param>
/// <param name="LearningRate">Rate that the step used.</param>
/// <param name="Learnt">Rows and outcome of each mini-batch, in order.</param>
internal sealed record PpoStepFacts(
    IReadOnlyList<double> GivenScores,
    double[] Scores,
    double KlCoefficient,
    double LearningRate,
    IReadOnlyList<(int[] Rows, PpoTerms Terms)> Learnt);
