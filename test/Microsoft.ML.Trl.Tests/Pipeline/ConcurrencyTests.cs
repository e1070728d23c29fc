using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>Eight threads on one chain and one pool of prediction engines, which somebody disposes in between.</summary>
[TestClass]
public sealed class ConcurrencyTests
{
    private const int Threads = 8;

    private static readonly string[] Prompts = ["the film", "a", "the plot was", "the film was good and", "a story", "the"];

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Threads_that_share_a_chain_get_equal_answers_and_a_clear_end() => Run(TimeSpan.FromSeconds(3));

    [TestMethod]
    public void Threads_that_share_a_chain_get_equal_answers_for_ten_minutes()
    {
        LongTests.RequireOn("ten minutes");
        Run(TimeSpan.FromMinutes(10));
    }

    private void Run(TimeSpan duration)
    {
        using MemoryStream zip = new();
        Dictionary<string, (string Completion, float Score)> expected;
        using (TransformerChain<TextGenerationTransformer> trained = Train())
        {
            expected = Prompts.Zip(Read(trained)).ToDictionary(pair => pair.First, pair => pair.Second);
            _ml.Model.Save(trained, Rows(Prompts).Schema, zip);
        }
        var watch = Stopwatch.StartNew();
        int rounds = 0, answers = 0, refusals = 0;
        while (rounds == 0 || watch.Elapsed < duration)
        {
            zip.Position = 0;
            ITransformer chain = _ml.Model.Load(zip, out _);
            var pool = new ConcurrentBag<PredictionEngine<Tiny.PromptRow, Tiny.ScoredAnswer>>();
            int served = 0;
            Task[] threads = [.. Enumerable.Range(0, Threads).Select(number => Task.Factory.StartNew(() =>
            {
                for (int call = 0; ; call++)
                {
                    string prompt = Prompts[(call + number) % Prompts.Length];
                    if (Ask(chain, pool, prompt, call % 3) is not { } answer)
                        break;
                    Assert.AreEqual(expected[prompt].Completion, answer.Completion);
                    Close.Absolute(expected[prompt].Score, answer.Score, 1e-5);
                    Interlocked.Increment(ref served);
                }
                Interlocked.Increment(ref refusals);
            }, TaskCreationOptions.LongRunning))];
            int least = 40 + (rounds % 17);
            SpinWait.SpinUntil(() => Volatile.Read(ref served) > least || threads.Any(thread => thread.IsCompleted));
            ((IDisposable)chain).Dispose(); // in the middle of it all
            Task.WaitAll(threads);
            rounds++;
            answers += served;
        }
        Assert.AreEqual(rounds * Threads, refusals, "each thread ends by being told that the model is gone");
        Assert.IsGreaterThan(40 * rounds, answers);
    }

    /// <summary>An answer by one of three roads; null once the chain is disposed.</summary>
    private Tiny.ScoredAnswer? Ask(
        ITransformer chain, ConcurrentBag<PredictionEngine<Tiny.PromptRow, Tiny.ScoredAnswer>> pool, string prompt, int road)
    {
        try
        {
            if (road == 0)
            {
                (string completion, float score) = Read(chain, prompt)[0];
                return new Tiny.ScoredAnswer { Completion = completion, Score = score };
            }
            if (road == 1 || !pool.TryTake(out PredictionEngine<Tiny.PromptRow, Tiny.ScoredAnswer>? engine))
                engine = _ml.Model.CreatePredictionEngine<Tiny.PromptRow, Tiny.ScoredAnswer>(
                    chain, new PredictionEngineOptions { OwnsTransformer = false });
            Tiny.ScoredAnswer answer = engine.Predict(new Tiny.PromptRow { Prompt = prompt });
            pool.Add(engine);
            return answer;
        }
        catch (ObjectDisposedException told)
        {
            Assert.Contains("OwnsTransformer = false", told.Message);
            return null;
        }
    }

    private TransformerChain<TextGenerationTransformer> Train() => _ml.Trl()
        .Sft(Tiny.Source(), new SftOptions { MaxSteps = 5, LearningRate = 1e-2, Generation = new() { MaxNewTokens = 5, Seed = 3 } })
        .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
        .Append(_ml.Trl().Dpo(new DpoOptions { MaxSteps = 1 }))
        .Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs));

    private (string Completion, float Score)[] Read(ITransformer chain, params string[] prompts) =>
    [
        .. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(Rows(prompts.Length == 0 ? Prompts : prompts)), false)
            .Select(answer => (answer.Completion, answer.Score)),
    ];

    private IDataView Rows(string[] prompts) =>
        _ml.Data.LoadFromEnumerable(prompts.Select(prompt => new Tiny.PromptRow { Prompt = prompt }).ToArray());
}
