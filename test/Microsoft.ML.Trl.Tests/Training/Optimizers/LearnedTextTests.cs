using System.Globalization;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Optimizers;

/// <summary>Rules and precisions with less memory learn a text as float32 Adam does.</summary>
[TestClass]
public sealed class LearnedTextTests
{
    private static readonly SftOptions Adam = new() { LearningRate = 2e-3, LrSchedulerType = LrSchedulerType.Cosine };

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void A_text_of_the_repository_in_60_steps()
    {
        byte[] text = LearnedText.OfRepository();
        double adam = LearnedText.Loss(text, 60, Adam);
        Close.Relative(adam, LearnedText.Loss(text, 60, Adam with { Optim = OptimizerKind.AdamW8Bit }), 0.01, "AdamW8Bit");
        // rounding leads along another path, better or worse by as much as another text
        Close.Relative(adam, LearnedText.Loss(text, 60, Adam with { Bf16 = true }), 0.02, "Bf16");
        Close.Relative(adam, LearnedText.Loss(text, 60, Adam with { Bf16 = true, StochasticRounding = true }), 0.02, "StochasticRounding");
        Close.Relative(adam, LearnedText.Loss(text, 60, Adam with { Fp16 = true }), 0.01, "Fp16");
    }

    [TestMethod]
    public void Real_text_in_300_steps()
    {
        string file = Path.Combine(Fixtures.Shared(), "..", "data", "text", "tinyshakespeare.txt");
        if (!File.Exists(file))
            Assert.Inconclusive("Skipped: it needs a real text, and there is no shared/data folder beside the fixtures.");
        byte[] text = File.ReadAllBytes(file);
        double adam = Note("AdamW", LearnedText.Loss(text, 300, Adam));
        double narrow = Note("AdamW8Bit", LearnedText.Loss(text, 300, Adam with { Optim = OptimizerKind.AdamW8Bit }));
        Close.Relative(adam, narrow, 0.01, "AdamW8Bit");
    }

    [TestMethod]
    public void A_text_of_the_repository_in_300_steps_by_other_rules()
    {
        LongTests.RequireOn("half a minute");
        byte[] text = LearnedText.OfRepository();
        double adam = Note("AdamW", LearnedText.Loss(text, 300, Adam));
        double same = Note("Adam8Bit", LearnedText.Loss(text, 300, Adam with { Optim = OptimizerKind.Adam8Bit }));
        Close.Relative(adam, same, 0.01, "Adam8Bit");
        SftOptions lion = Adam with { Optim = OptimizerKind.Lion, AdamBeta2 = 0.99, LearningRate = 5e-4 };
        double wide = Note("Lion", LearnedText.Loss(text, 300, lion));
        double narrow = Note("Lion8Bit", LearnedText.Loss(text, 300, lion with { Optim = OptimizerKind.Lion8Bit }));
        Close.Relative(wide, narrow, 0.01, "Lion8Bit");
        double factored = Note("Adafactor", LearnedText.Loss(text, 300, Adam with { Optim = OptimizerKind.Adafactor }));
        Close.Below(1.05 * adam, factored, "Adafactor, another rule, which need not end where Adam ends");
    }

    private double Note(string name, double loss)
    {
        TestContext.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {loss:F4}"));
        return loss;
    }
}
