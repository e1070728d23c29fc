using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>Whatever ends a run early, the model that was reached is not lost.</summary>
[TestClass]
public sealed class InterruptionTests
{
    private static readonly SftOptions Many = new() { MaxSteps = 50, LoggingSteps = 1, Generation = Tiny.Greedy };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Cancelling_while_the_reference_is_computed_carries_the_model()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        var options = new DpoOptions { MaxSteps = 5, PrecomputeRefLogProbs = true };
        TrainingCanceledException error = Assert.Throws<TrainingCanceledException>(
            () => _ml.Trl().Dpo(Tiny.Source(), options, cancel: cancel.Token).Fit(Rows()));
        Assert.Contains("DPO was cancelled before its first step", error.Message);
        Assert.AreEqual(0, error.Step);
        using var model = (TextGenerationTransformer)error.Model!;
        using LanguageModel start = Tiny.Model();
        CollectionAssert.AreEqual(Toys.Flat(start.Network.Weights()), Toys.Flat(model.Model.Network.Weights()));
    }

    [TestMethod]
    public void CancelExecution_of_the_context_ends_training_and_generation()
    {
        var progress = new Told(report =>
        {
            if (report.Step == 2)
                CancelExecution(_ml);
            if (report.Step >= 2)
                Thread.Sleep(60); // the context is looked at ten times a second
        });
        TrainingCanceledException error = Assert.Throws<TrainingCanceledException>(
            () => _ml.Trl().Sft(Tiny.Source(), Many, progress: progress).Fit(Rows()));
        Assert.IsInRange(2, 49, error.Step);
        ((IDisposable)error.Model!).Dispose();

        MLContext other = new(1);
        using TextGenerationTransformer sft = other.Trl().TextGeneration(Tiny.Source(), Tiny.Greedy).Fit(Rows());
        IDataView answered = sft.Transform(Rows());
        CancelExecution(other);
        Assert.Throws<OperationCanceledException>(() => answered.GetColumn<string>("Completion").ToArray());
    }

    [TestMethod]
    public void A_progress_callback_that_throws_does_not_lose_the_model()
    {
        var progress = new Told(report => { if (report.Step == 3) throw new FormatException("no such colour"); });
        TrainingFailedException error = Assert.Throws<TrainingFailedException>(
            () => _ml.Trl().Sft(Tiny.Source(), Many, progress: progress).Fit(Rows()));
        Assert.AreEqual(3, error.Step);
        Assert.Contains("SFT ended after step 3: the progress callback threw FormatException: no such colour", error.Message);
        Assert.IsInstanceOfType<FormatException>(error.InnerException);
        using var model = (TextGenerationTransformer)error.Model!;
        using var cancel = new CancellationTokenSource();
        var stop = new Told(report => { if (report.Step == 3) cancel.Cancel(); });
        TrainingCanceledException third = Assert.Throws<TrainingCanceledException>(
            () => _ml.Trl().Sft(Tiny.Source(), Many, progress: stop, cancel: cancel.Token).Fit(Rows()));
        using var three = (TextGenerationTransformer)third.Model!;
        CollectionAssert.AreEqual(Toys.Flat(three.Model.Network.Weights()), Toys.Flat(model.Model.Network.Weights()));
    }

    [TestMethod]
    public void A_ppo_step_that_diverges_goes_back_to_its_beginning()
    {
        using LanguageModel model = Tiny.Model();
        var options = new PpoOptions { BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e30, PpoEpochs = 4 };
        using var session = new PpoSession(model.Network, options);
        float[] before = [.. Toys.Flat(model.Network.Weights()), .. Toys.Flat(session.ValueHead.Weights())];
        Assert.Throws<TrainingDivergedException>(() => session.Step([[1, 2], [3], [4], [5]], [[4, 5], [6], [7], [8]], [1, -1, 2, 0]));
        float[] after = [.. Toys.Flat(model.Network.Weights()), .. Toys.Flat(session.ValueHead.Weights())];
        CollectionAssert.AreEqual(before, after);
    }

    private static void CancelExecution(MLContext ml) =>
        typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(ml, null);

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private sealed class Told(Action<StepReport> action) : IProgress<StepReport>
    {
        public void Report(StepReport value) => action(value);
    }
}
