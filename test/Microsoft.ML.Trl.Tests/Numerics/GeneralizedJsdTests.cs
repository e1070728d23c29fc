using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class GeneralizedJsdTests
{
    private const int Rows = 5, Vocabulary = 19;

    [TestMethod]
    [DataRow(0.0, 0.5108256)]  // KL(q ‖ p) = ½ ln(½ / 0.9) + ½ ln(½ / 0.1) = ln(5 / 3)
    [DataRow(1.0, 0.3680642)]  // KL(p ‖ q) = 0.9 ln 1.8 + 0.1 ln 0.2
    [DataRow(0.5, 0.1017492)]  // m = (0.7, 0.3): ½ (½ ln(5 / 7) + ½ ln(5 / 3)) + ½ (0.9 ln(9 / 7) + 0.1 ln(1 / 3))
    [DataRow(0.25, 0.0833034)] // m = (0.8, 0.2): ¼ (½ ln(5 / 8) + ½ ln(5 / 2)) + ¾ (0.9 ln(9 / 8) + 0.1 ln(1 / 2))
    public void Two_tokens_give_the_value_worked_by_hand(double beta, double expected)
    {
        using var scope = NewDisposeScope();
        Tensor student = tensor([MathF.Log(0.9f), MathF.Log(0.1f)]).unsqueeze(0), teacher = zeros(1, 2);
        Tensor actual = GeneralizedJsd.OfHidden(student, eye(2), teacher, eye(2), beta);
        Close.Absolute(expected, actual.item<float>(), 1e-6);
    }

    [TestMethod]
    [DataRow(0.0, true)]
    [DataRow(0.0, false)]
    [DataRow(0.3, true)]
    [DataRow(0.3, false)]
    [DataRow(1.0, true)]
    [DataRow(1.0, false)]
    public void Gradients_equal_finite_differences(double beta, bool keeps)
    {
        using var scope = NewDisposeScope();
        (HeadSample ours, HeadSample theirs, Tensor bias) = Samples();
        Tensor upstream = tensor([0.3f, -1.2f, 0.7f, 2f, -0.4f]);
        VocabularyProjection head = new(ours.Weight, bias, SoftCap: 2, Scale: 1.5) { Temperature = 0.7 };
        VocabularyProjection teacher = new VocabularyProjection(theirs.Weight, SoftCap: 3) { Temperature = 0.7 };
        Tensor divergence = GeneralizedJsd.OfHidden(ours.Hidden, head, theirs.Hidden, teacher, beta, keeps ? 1 << 20 : 0);
        (divergence * upstream).sum().backward();
        Tensor[] inputs = [ours.Hidden, ours.Weight, bias];
        for (int moved = 0; moved < inputs.Length; moved++)
        {
            Tensor numeric = FiniteDifferences.Of(inputs[moved], at =>
            {
                Tensor[] now = [.. inputs.Select((input, index) => index == moved ? at : input.detach().to_type(ScalarType.Float64))];
                Tensor student = Capped((now[0] * 1.5).matmul(now[1].transpose(0, 1)) + now[2], 2) / 0.7;
                return (Definition(student, Capped(Product(theirs), 3) / 0.7, beta) * upstream).sum().item<double>();
            });
            Close.Relative(numeric, inputs[moved].grad!, 2e-5, $"input {moved}");
        }
        Assert.IsNull(theirs.Hidden.grad);
        Assert.IsNull(theirs.Weight.grad);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.5)]
    [DataRow(1.0)]
    public void Many_chunks_kept_or_made_again_give_what_plain_autograd_gives(double beta)
    {
        using var scope = NewDisposeScope();
        HeadSample ours = HeadSample.Create(seed: 5, rows: 37, width: 16, vocabulary: 101);
        HeadSample theirs = HeadSample.Create(seed: 6, rows: 37, width: 24, vocabulary: 101);
        Tensor upstream = randn(37);
        Tensor logits = ours.Hidden.matmul(ours.Weight.transpose(0, 1)), teachers = Product(theirs).detach();
        Tensor plain = Definition(logits.to_type(ScalarType.Float64), teachers, beta);
        (plain * upstream).sum().backward();
        Tensor hidden = Taken(ours.Hidden), weight = Taken(ours.Weight);
        VocabularyProjection teacher = new VocabularyProjection(theirs.Weight).Detached();
        foreach ((long keep, long chunk) in new[] { (1L << 30, 1L << 30), (0L, 5L * 101 * 4), (0L, 1L) })
        {
            var call = new HiddenDivergence.Call(ours.Weight, teacher, RowDivergences.Jsd(beta), keep, chunk);
            Tensor rows = HiddenDivergence.apply(ours.Hidden, ours.Weight, theirs.Hidden.detach(), call);
            Close.Absolute(plain.detach(), rows.detach(), 5e-6, $"values, chunk {chunk}");
            (rows * upstream).sum().backward();
            Close.Relative(hidden, Taken(ours.Hidden), 1e-5, $"hidden, chunk {chunk}");
            Close.Relative(weight, Taken(ours.Weight), 1e-5, $"weight, chunk {chunk}");
        }
    }

    [TestMethod]
    public void The_ends_of_beta_are_the_two_kullback_leibler_divergences()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        (HeadSample ours, HeadSample theirs, _) = Samples();
        Tensor forward = KlEstimators.Full(theirs.Hidden, theirs.Weight, ours.Hidden, ours.Weight);
        Tensor reverse = KlEstimators.Full(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight);
        Tensor Jsd(double beta) => GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight, beta);
        Close.Absolute(forward, Jsd(0), 1e-6);
        Close.Absolute(reverse, Jsd(1), 1e-6);
        // arXiv:2306.13649, section 2: the divergence over β tends to the forward KL, and that over 1 - β to the reverse one.
        Close.Relative(forward, Jsd(1e-3) / 1e-3, 2e-3);
        Close.Relative(reverse, Jsd(1 - 1e-3) / 1e-3, 2e-3);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.5)]
    [DataRow(1.0)]
    public void A_teacher_equal_to_the_student_costs_nothing_and_moves_nothing(double beta)
    {
        using var scope = NewDisposeScope();
        HeadSample ours = HeadSample.Create(seed: 3, Rows, width: 7, Vocabulary);
        Tensor rows = GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, ours.Hidden.detach(), ours.Weight.detach(), beta);
        rows.sum().backward();
        Close.Absolute(zeros(Rows), rows.detach(), 1e-6);
        Close.Absolute(zeros_like(ours.Hidden), ours.Hidden.grad!, 1e-6);
        Close.Absolute(zeros_like(ours.Weight), ours.Weight.grad!, 1e-6);
    }

    [TestMethod]
    public void Far_tokens_do_no_harm() // both probabilities of the last one are 0 in float32
    {
        using var scope = NewDisposeScope();
        Tensor student = tensor([3f, 1f, -500f]).unsqueeze(0).requires_grad_(), teacher = tensor([1f, 2f, -400f]).unsqueeze(0);
        foreach (double beta in new[] { 0, 0.5, 1 })
        {
            Tensor rows = GeneralizedJsd.OfHidden(student, eye(3), teacher, eye(3), beta);
            rows.sum().backward();
            Close.Absolute(
                Definition(student.detach().narrow(1, 0, 2), teacher.narrow(1, 0, 2), beta), rows.detach(), 1e-6, $"β = {beta}");
            Assert.IsTrue(student.grad!.isfinite().all().item<bool>());
        }
    }

    [TestMethod]
    public void A_frozen_projection_gets_no_gradient_and_without_gradients_nothing_is_recorded()
    {
        using var scope = NewDisposeScope();
        (HeadSample ours, HeadSample theirs, _) = Samples();
        ours.Weight.requires_grad = false;
        Tensor recorded = GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight);
        recorded.sum().backward();
        Assert.IsNull(ours.Weight.grad);
        Assert.IsNotNull(ours.Hidden.grad);
        using var noGrad = no_grad();
        Tensor plain = GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight);
        Assert.IsFalse(plain.requires_grad);
        Close.Absolute(recorded.detach(), plain, 0);
    }

    [TestMethod]
    public void Bfloat16_is_computed_in_float32()
    {
        using var scope = NewDisposeScope();
        HeadSample ours = HeadSample.Create(seed: 8, Rows, 8, Vocabulary, ScalarType.BFloat16);
        HeadSample theirs = HeadSample.Create(seed: 9, Rows, 8, Vocabulary, ScalarType.BFloat16);
        Tensor result = GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight);
        result.sum().backward();
        Assert.AreEqual(ScalarType.Float32, result.dtype);
        Assert.AreEqual(ScalarType.BFloat16, ours.Weight.grad!.dtype);
        Tensor Wide(Tensor narrow) => narrow.detach().to_type(ScalarType.Float32).requires_grad_();
        Tensor hidden = Wide(ours.Hidden), weight = Wide(ours.Weight);
        Tensor exact = GeneralizedJsd.OfHidden(hidden, weight, Wide(theirs.Hidden), Wide(theirs.Weight));
        exact.sum().backward();
        Close.Absolute(exact.detach(), result.detach(), 0.02);
        Close.Relative(hidden.grad!, ours.Hidden.grad!, 0.05);
        Close.Relative(weight.grad!, ours.Weight.grad!, 0.05);
    }

    [TestMethod]
    public void No_rows_and_not_a_number_do_no_harm()
    {
        using var scope = NewDisposeScope();
        (HeadSample ours, HeadSample theirs, _) = Samples();
        Tensor none = GeneralizedJsd.OfHidden(
            ours.Hidden.narrow(0, 0, 0), ours.Weight, theirs.Hidden.narrow(0, 0, 0), theirs.Weight);
        Assert.AreEqual(0, none.NumberOfElements);
        Tensor broken = GeneralizedJsd.OfHidden(ours.Hidden * float.NaN, ours.Weight, theirs.Hidden, theirs.Weight);
        Assert.IsTrue(broken.isnan().all().item<bool>());
    }

    [TestMethod]
    public void Nothing_outlives_a_forward_and_backward_pass() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        (HeadSample ours, HeadSample theirs, _) = Samples();
        foreach (long keep in new[] { 0L, 1L << 20 })
            GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight, keepBytes: keep).sum().backward();
    });

    [TestMethod]
    public void The_distributions_of_all_positions_never_exist_at_once()
    {
        if (!NativeMemory.IsKnown)
            Assert.Inconclusive("Skipped: the C library does not tell what is in use.");
        using var scope = NewDisposeScope();
        const int rows = 640, vocabulary = 50_000;
        HeadSample ours = HeadSample.Create(seed: 3, rows, width: 2, vocabulary);
        HeadSample theirs = HeadSample.Create(seed: 4, rows, width: 2, vocabulary);
        long whole = (long)rows * vocabulary * sizeof(float); // of one model
        long peak = NativeMemory.Peak(() =>
            GeneralizedJsd.OfHidden(ours.Hidden, ours.Weight, theirs.Hidden, theirs.Weight).sum().backward());
        Assert.IsNotNull(ours.Hidden.grad);
        Close.Below(0.8 * whole, peak, "forward and backward pass together");
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow(2.0)]
    public void A_temperature_divides_the_logits_of_log_probabilities_too(double? cap)
    {
        using var scope = NewDisposeScope();
        (HeadSample ours, _, Tensor bias) = Samples();
        Tensor upstream = randn(Rows), logits = ours.Hidden.matmul(ours.Weight.transpose(0, 1)) + bias;
        Tensor expected = LogProbs.OfLogits((cap is { } most ? Capped(logits, most) : logits) / 0.6, ours.Labels);
        (expected * upstream).sum().backward();
        Tensor[] gradients = [Taken(ours.Hidden), Taken(ours.Weight), Taken(bias)];
        foreach (long keep in new[] { 0L, 1L << 20 })
        {
            var head = new VocabularyProjection(ours.Weight, bias, cap) { Temperature = 0.6 };
            Tensor actual = LogProbs.OfHidden(ours.Hidden, head, ours.Labels, keep);
            (actual * upstream).sum().backward();
            Close.Absolute(expected.detach(), actual.detach(), 1e-5);
            Tensor[] leaves = [ours.Hidden, ours.Weight, bias];
            for (int i = 0; i < leaves.Length; i++)
                Close.Relative(gradients[i], Taken(leaves[i]), 1e-5, $"gradient {i}");
        }
    }

    /// <summary>Student and teacher of other widths, and a bias for the student.</summary>
    private static (HeadSample Ours, HeadSample Theirs, Tensor Bias) Samples() => (
        HeadSample.Create(seed: 3, Rows, width: 7, Vocabulary),
        HeadSample.Create(seed: 4, Rows, width: 4, Vocabulary),
        randn(Vocabulary, generator: new Generator(2)).requires_grad_());

    private static Tensor Product(HeadSample sample) => // [N, V] in float64
        sample.Hidden.detach().to_type(ScalarType.Float64).matmul(sample.Weight.detach().to_type(ScalarType.Float64).transpose(0, 1));

    private static Tensor Capped(Tensor logits, double cap) => (logits / cap).tanh() * cap;

    /// <summary>arXiv:2306.13649, Eq. 1, in probabilities.</summary>
    private static Tensor Definition(Tensor studentLogits, Tensor teacherLogits, double beta)
    {
        Tensor p = studentLogits.softmax(-1), q = teacherLogits.softmax(-1);
        Tensor Kl(Tensor left, Tensor right) => (left * (left.log() - right.log())).sum(-1);
        Tensor mixture = (beta * q) + ((1 - beta) * p);
        return beta == 0 ? Kl(q, p) : beta == 1 ? Kl(p, q) : (beta * Kl(q, mixture)) + ((1 - beta) * Kl(p, mixture));
    }

    private static Tensor Taken(Tensor leaf)
    {
        Tensor gradient = leaf.grad!;
        leaf.grad = null!;
        return gradient;
    }
}
