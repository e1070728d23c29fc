using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;

[TestClass]
public sealed class OnlineLossTests
{
    [TestMethod]
    public void The_losses_of_a_margin_are_those_worked_by_hand() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Tensor margin = tensor([0f, 2f, -3f]);
        Close.Absolute(
            [Math.Log(2), Math.Log(1 + Math.Exp(-1)), Math.Log(1 + Math.Exp(1.5))], Wide(MarginLoss.Of(PairLossType.Sigmoid)(margin, 0.5)),
            1e-6);
        Close.Absolute([1.0, 1.0, 16.0], Wide(MarginLoss.Of(PairLossType.Ipo)(margin, 0.5)), 1e-6); // (m - 1)²
    });

    [TestMethod]
    public void The_loss_of_XPO_adds_what_the_policy_gives_to_the_answers_of_the_reference() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Tensor loss = XpoLoss.Compute(tensor([0.5f, 1f]), tensor([-20f, -10f]), 0.01);
        Close.Absolute([0.3, 0.9], Wide(loss), 1e-6);
    });

    [TestMethod]
    public void The_loss_of_Nash_MD_is_the_one_worked_by_hand() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        // β Σ r log π - (P - ½) Σ log π
        Tensor loss = NashMdLoss.Compute(tensor([-3f, -4f]), tensor([1f, -2f]), tensor([1f, 0.25f]), 0.1);
        Close.Absolute([0.1 + 1.5, -0.2 - 1.0], Wide(loss), 1e-6);
    });

    [TestMethod]
    [DataRow("OnlineDpo")]
    [DataRow("Xpo")]
    public void Gradients_of_a_pass_are_those_of_finite_differences(string name)
    {
        float[] ours = [-1f, -2f, -0.5f, -1.5f, -0.7f, -1.1f], theirs = [-1.2f, -1.7f, -0.9f, -1.1f, -0.8f, -0.6f];
        double Loss(float[] values) => Compare(name, values, theirs).Loss;
        float[] gradient = Compare(name, ours, theirs).Gradient;
        for (int i = 0; i < ours.Length; i++)
        {
            const float Step = 1e-2f;
            float[] up = [.. ours], down = [.. ours];
            (up[i], down[i]) = (ours[i] + Step, ours[i] - Step);
            Close.Absolute((Loss(up) - Loss(down)) / (2 * Step), gradient[i], 2e-4, $"{name} {i}");
        }
    }

    [TestMethod]
    public void The_gradient_of_Nash_MD_is_the_policy_gradient_of_the_preference_less_the_KL()
    {
        float[] ours = [-1f, -2f, -0.5f], theirs = [-1.2f, -1.7f, -0.9f];
        float[] gradient = Compare("NashMd", ours, theirs).Gradient;
        double[] wins = [0.9, 0.2]; // of two answers with 2 tokens and 1 token
        double[] expected = [.. ours.Select((value, token) => ((0.3 * (value - theirs[token])) - (wins[token / 2] - 0.5)) / 2)];
        Close.Absolute(expected, Array.ConvertAll(gradient, value => (double)value), 1e-6);
    }

    /// <summary>Loss and gradient by token log-probabilities of pairs with answers of 2 tokens and 1 token.</summary>
    private static (double Loss, float[] Gradient) Compare(string name, float[] ours, float[] theirs)
    {
        using var scope = NewDisposeScope();
        bool readsSecond = name != "NashMd";
        TokenExample[] texts = [new([5, 6, 7], 1), new([5, 8], 1)];
        using var answers = new AnswerBatch(TokenBatch.Of(readsSecond ? [.. texts, .. texts] : texts), [0, 1, 2, 3]);
        Tensor values = tensor(ours).requires_grad_();
        var pass = new OnlinePairPass(answers, values, tensor(theirs), tensor([0.9f, 0.2f]));
        double[] beta = [0.3];
        IOnlinePairMethod method = name switch
        {
            "Xpo" => new XpoMethod(new XpoOptions { Beta = beta, Alpha = [0.05] }),
            "NashMd" => new NashMdMethod(new NashMdOptions { Beta = beta }),
            _ => new OnlineDpoMethod(new OnlineDpoOptions { Beta = beta }),
        };
        (Tensor loss, Dictionary<string, float> metrics) = method.Compare(pass, epoch: 3);
        loss.backward();
        Close.Absolute(loss.item<float>(), metrics["loss"], 1e-6);
        return (loss.item<float>(), values.grad!.data<float>().ToArray());
    }

    private static double[] Wide(Tensor values) => [.. values.data<float>().ToArray().Select(value => (double)value)];
}
