using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;

namespace Microsoft.ML.Trl.Tests.Algorithms.Distillation;

/// <summary>What holds for every method of distillation.</summary>
[TestClass]
public sealed class DistillationRuleTests
{
    public static IEnumerable<object[]> Names => DistillationRuns.Names;

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void One_by_eight_two_by_four_and_eight_by_one_accumulation_train_the_same(string method)
    {
        EpochOptions sgd = Sgd(method) with { MaxSteps = 2 };
        float[] whole = DistillationRuns.Weights(sgd with { PerDeviceTrainBatchSize = 8 });
        foreach (int size in new[] { 1, 2 }) // one row at a time: nothing is padded
            Close.Absolute(
                whole,
                DistillationRuns.Weights(sgd with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = 8 / size }),
                3e-6, $"{size} × {8 / size}");
        Close.Differ(whole, DistillationRuns.Weights(sgd with { PerDeviceTrainBatchSize = 8, Seed = 1 }), 1e-4);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Padding_changes_nothing(string method)
    {
        EpochOptions options = Sgd(method) with { MaxSteps = 2, PerDeviceTrainBatchSize = 4 };
        EpochOptions free = options is MiniLlmOptions miniLlm
            ? miniLlm with { PaddingFree = true } : (TextDistillationOptions)options with { PaddingFree = true };
        Close.Absolute(DistillationRuns.Weights(options), DistillationRuns.Weights(free), 3e-6);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void A_teacher_equal_to_the_student_costs_nothing_and_moves_nothing(string method)
    {
        EpochOptions options = Sgd(method) with { MaxSteps = 2 };
        if (options is DistillOptions distill)
            options = distill with { Alpha = 0 }; // the labels of the data are no teacher's
        if (options is MiniLlmOptions { RewardWeights: not null } rewarded)
            options = rewarded with { RewardWeights = null }; // what a reward says is no teacher's either
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Student();
        float[] before = TinyModels.Flat(student.Weights());
        List<StepReport> reports = DistillationRuns.Run(options, student, teacher);
        foreach (StepReport report in reports)
        {
            Close.Absolute(0, report["loss"], 1e-6);
            Close.Absolute(0, report["grad_norm"], 1e-6);
        }
        Close.Absolute(before, TinyModels.Flat(student.Weights()), 1e-6);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void The_teacher_stays_as_it_was_and_gets_no_gradient(string method)
    {
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        teacher.eval();
        float[] theirs = TinyModels.Flat(teacher.Weights()), ours = TinyModels.Flat(student.Weights());
        DistillationRuns.Run(Sgd(method) with { MaxSteps = 2 }, student, teacher);
        CollectionAssert.AreEqual(theirs, TinyModels.Flat(teacher.Weights()));
        Assert.IsTrue(teacher.parameters().All(weight => weight.grad is null));
        Assert.IsFalse(teacher.training);
        Close.Differ(ours, TinyModels.Flat(student.Weights()), 1e-4);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Steps_leave_no_tensor_behind(string method)
    {
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        var live = new List<long>();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        DistillationRuns.Run(
            Sgd(method) with { MaxSteps = 12 }, student, teacher,
            also: _ => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount));
        Assert.AreEqual(live[0], live[^1]);
        Assert.AreEqual(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Equal_seeds_give_identical_weights_and_another_seed_gives_others(string method)
    {
        EpochOptions options = Sgd(method) with { MaxSteps = 2, PerDeviceTrainBatchSize = 4 };
        float[] first = DistillationRuns.Weights(options);
        CollectionAssert.AreEqual(first, DistillationRuns.Weights(options));
        CollectionAssert.AreNotEqual(first, DistillationRuns.Weights(options with { Seed = 5 }));
    }

    [TestMethod]
    [DataRow("GKD on both", "GKD")]
    [DataRow("MiniLLM", "MiniLLM")]
    [DataRow("Distill", "Distill")]
    public void Cancelling_stops_between_two_steps(string method, string stage)
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        var error = Assert.ThrowsExactly<TrainingCanceledException>(() => DistillationRuns.Run(
            Sgd(method) with { MaxSteps = 9 }, student, teacher, also: report =>
            {
                if (report.Step == 2)
                    source.Cancel();
            }, cancel: source.Token));
        StringAssert.StartsWith(error.Message, $"{stage} was cancelled after step 2 of 9.");
        Assert.IsFalse(student.training);
    }

    [TestMethod]
    [DataRow("GKD on the data", "loss")]
    [DataRow("GKD on the student's completions", "loss")]
    [DataRow("GKD on the teacher's completions", "loss")]
    [DataRow("MiniLLM", "single_step_loss")]
    [DataRow("Distill from the teacher alone", "loss")]
    [DataRow("Distill", "kd_loss")]
    public void A_student_comes_visibly_nearer_to_its_teacher(string method, string figure)
    {
        EpochOptions options = DistillationRuns.Methods[method] with
        {
            MaxSteps = 80,
            LearningRate = 1e-2,
            LrSchedulerType = LrSchedulerType.Constant,
            LoggingSteps = 10,
            LoggingFirstStep = true,
        };
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        List<StepReport> reports = DistillationRuns.Run(options, student, teacher);
        Close.Below(0.7 * reports[0][figure], reports[^1][figure]);
    }

    private static EpochOptions Sgd(string method) => DistillationRuns.Methods[method] with
    {
        Optim = OptimizerKind.Sgd,
        LearningRate = 0.5,
        LoggingSteps = 1,
    };
}
