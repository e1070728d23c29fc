using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>
/// One step of GRPO: 4 prompts of 32 or 256 tokens, 8 completions of 64 tokens each, learnt from in passes of 8 completions. As this
/// library does it, and as it is written plainly in TorchSharp.
/// </summary>
internal static class GrpoTask
{
    private const int Prompts = 4, Generations = 8, NewTokens = 64, Rows = Prompts * Generations, PassRows = 8;
    private const double LearningRate = 1e-5, Epsilon = 0.2;

    public static int Run(Shape shape, Measurement measured, int promptLength)
    {
        using CausalLanguageModel policy = shape.Model(seed: 1);
        GrpoOptions options = shape.Memory.On(new GrpoOptions
        {
            NumGenerations = Generations,
            PerDeviceTrainBatchSize = PassRows,
            GradientAccumulationSteps = Rows / PassRows,
            MaxSteps = measured.MostSteps,
            LearningRate = LearningRate,
            LoggingSteps = 1,
            Generation = new() { MaxNewTokens = NewTokens, MinNewTokens = NewTokens, EosTokenIds = [] },
        });
        var work = new GroupWork(shape.Rows(Prompts, promptLength, seed: 2), new RandomScores(), [1]);
        measured.Loop((progress, cancel) =>
            new GroupLoop("GRPO", policy, options, new GrpoObjective(options), progress).Run(work, cancel: cancel));
        return Rows * (promptLength + NewTokens);
    }

    public static int Plain(Shape shape, Measurement measured, int promptLength)
    {
        using var model = new PlainGpt2(shape);
        model.train();
        using optim.Optimizer optimizer = optim.AdamW(model.parameters(), LearningRate, weight_decay: 0);
        long[] prompts = [.. shape.Rows(Prompts, promptLength, seed: 2).SelectMany(
            prompt => Enumerable.Repeat(prompt, Generations)).SelectMany(prompt => prompt.Select(id => (long)id))];
        measured.Repeat(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor texts = model.Generate(tensor(prompts, Rows, promptLength), NewTokens);
            Tensor scores = rand(Prompts, Generations);
            Tensor advantages = ((scores - scores.mean([1], keepdim: true)) / (scores.std(1, keepdim: true) + 1e-4)).view(-1, 1);
            foreach (Tensor rows in arange(Rows).split(PassRows))
            {
                using DisposeScope pass = NewDisposeScope();
                Tensor ids = texts[rows], better = advantages[rows];
                Tensor logits = model.call(ids)[TensorIndex.Colon, (promptLength - 1)..^1];
                Tensor labels = ids[TensorIndex.Colon, promptLength..].unsqueeze(-1);
                Tensor logProbs = functional.log_softmax(logits, -1).gather(-1, labels).squeeze(-1);
                Tensor ratio = (logProbs - logProbs.detach()).exp();
                Tensor clipped = ratio.clamp(1 - Epsilon, 1 + Epsilon);
                (-torch.min(ratio * better, clipped * better).sum() / (Rows * NewTokens)).backward();
            }
            nn.utils.clip_grad_norm_(model.parameters(), 1.0);
            optimizer.step();
            optimizer.zero_grad();
        });
        return Rows * (promptLength + NewTokens);
    }

    private sealed class RandomScores : IRolloutScorer
    {
        private readonly Random _rng = new(3);

        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            RewardTable.Of([.. rollout.Responses.Select(_ => _rng.NextDouble())]);
    }
}
