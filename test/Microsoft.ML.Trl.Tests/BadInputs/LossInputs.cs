using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>The losses of DPO and PPO, the divergences, and what steers them.</summary>
internal static class LossInputs
{
    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity];

    public static IEnumerable<BadInput> All() =>
        [.. OfMargins(), .. OfTwo(), .. Smoothing(), .. Scores(), .. Ppo(), .. Controllers(), .. Moments()];

    private static IEnumerable<BadInput> OfMargins()
    {
        (string Name, string Parameter, Func<Tensor, double, Tensor> Loss)[] losses =
        [
            ("Sigmoid", "margin", (margin, beta) => DpoLoss.Sigmoid(margin, beta)), ("Hinge", "margin", DpoLoss.Hinge),
            ("Ipo", "marginPerToken", DpoLoss.Ipo), ("ExoPair", "margin", (margin, beta) => DpoLoss.ExoPair(margin, beta, 1e-3)),
            ("Robust", "margin", (margin, beta) => DpoLoss.Robust(margin, beta, 0.1)),
            ("DiscoPop", "margin", (margin, beta) => DpoLoss.DiscoPop(margin, beta, 0.05)),
        ];
        foreach ((string name, string parameter, Func<Tensor, double, Tensor> loss) in losses)
        {
            string member = "DpoLoss." + name;
            yield return Null(member, parameter, () => loss(null!, 0.1), name);
            yield return Of<ArgumentException>(member, () => loss(ones(2, ScalarType.Int64), 0.1), [parameter, "floating", "Int64"]);
            yield return Of<ArgumentException>(member, () => loss(Disposed(ones(2)), 0.1), [parameter, "was disposed"]);
            foreach (double beta in NotPositive.Take(name == "Sigmoid" ? 4 : 2))
                yield return Of<ArgumentOutOfRangeException>(
                    member, () => loss(ones(2), beta), [$"beta ({Number(beta)})", "greater than 0"], Number(beta));
        }
        foreach (double temperature in NotPositive)
            yield return Of<ArgumentOutOfRangeException>(
                "DpoLoss.DiscoPop", () => DpoLoss.DiscoPop(ones(2), 0.1, temperature),
                [$"temperature ({Number(temperature)})", "greater than 0"], $"temperature {temperature}");
        yield return Null("DpoLoss.Sft", "chosenTokenLogProbs", () => DpoLoss.Sft(null!));
        yield return Of<ArgumentException>(
            "DpoLoss.Sft", () => DpoLoss.Sft(ones(3, ScalarType.Int64)), ["chosenTokenLogProbs", "floating", "Int64"]);
    }

    private static IEnumerable<BadInput> OfTwo()
    {
        (string Name, string First, string Second, Func<Tensor, Tensor, double, Tensor> Loss)[] losses =
        [
            ("NcaPair", "chosen", "rejected", DpoLoss.NcaPair), ("BcoPair", "chosen", "rejected", DpoLoss.BcoPair),
            ("SppoHard", "chosen", "rejected", DpoLoss.SppoHard), ("ApoZero", "chosenRatio", "rejectedRatio", DpoLoss.ApoZero),
            ("ApoDown", "chosenRatio", "margin", DpoLoss.ApoDown),
            ("Aot", "policyMargin", "referenceMargin", (ours, theirs, beta) => DpoLoss.Aot(ours, theirs, beta)),
            ("AotUnpaired", "chosenRatio", "rejectedRatio", (ours, theirs, beta) => DpoLoss.AotUnpaired(ours, theirs, beta)),
        ];
        foreach ((string name, string first, string second, Func<Tensor, Tensor, double, Tensor> loss) in losses)
        {
            string member = "DpoLoss." + name;
            yield return Null(member, first, () => loss(null!, ones(2), 0.1), "first of " + name);
            yield return Null(member, second, () => loss(ones(2), null!, 0.1), "second of " + name);
            yield return Of<ArgumentException>(
                member, () => loss(ones(2), ones(3), 0.1), [$"{first} [2]", $"{second} [3]", "one shape"], "shapes that cannot spread");
            yield return Of<ArgumentException>(
                member, () => loss(ones(2), ones(1), 0.1), [$"{first} [2]", $"{second} [1]", "one shape"], "shapes that would spread");
            yield return Of<ArgumentException>(member, () => loss(ones(2), ones(2, ScalarType.Int64), 0.1), [second, "floating", "Int64"]);
            yield return Of<ArgumentException>(member, () => loss(Disposed(ones(2)), ones(2), 0.1), [first, "was disposed"]);
            yield return Of<ArgumentOutOfRangeException>(member, () => loss(ones(2), ones(2), 0), ["beta (0)", "greater than 0"], "beta 0");
            yield return Of<ArgumentOutOfRangeException>(member, () => loss(ones(2), ones(2), double.NaN), ["beta (NaN)"], "beta NaN");
        }
        yield return Of<ArgumentException>("DpoLoss.Aot", () => DpoLoss.Aot(tensor(1f), tensor(1f), 0.1), ["[B]", "[]"]);
        yield return Of<ArgumentException>("DpoLoss.AotUnpaired", () => DpoLoss.AotUnpaired(ones(2, 2), ones(2, 2), 1), ["[B]", "[2, 2]"]);
    }

    private static IEnumerable<BadInput> Smoothing()
    {
        (string Name, Func<double, Tensor> Loss, double[] Wrong)[] losses =
        [
            ("Sigmoid", x => DpoLoss.Sigmoid(ones(2), 0.1, x), [-0.1, 0.6, double.NaN]),
            ("ExoPair", x => DpoLoss.ExoPair(ones(2), 0.1, x), [0, -0.1, 1, double.NaN]),
            ("Robust", x => DpoLoss.Robust(ones(2), 0.1, x), [-0.1, 0.5, double.NaN]),
            ("Aot", x => DpoLoss.Aot(ones(2), ones(2), 0.1, x), [-0.1, 0.6, double.NaN]),
            ("AotUnpaired", x => DpoLoss.AotUnpaired(ones(2), ones(2), 0.1, x), [-0.1, 0.6]),
        ];
        return losses.SelectMany(loss => loss.Wrong.Select(x => Of<ArgumentOutOfRangeException>(
            "DpoLoss." + loss.Name, () => loss.Loss(x), [$"labelSmoothing ({Number(x)})"], $"labelSmoothing {x}")));
    }

    private static IEnumerable<BadInput> Scores()
    {
        (string Name, Func<Tensor, Tensor> Score)[] divergences =
        [
            ("ReverseKl", DpoScore.ReverseKl), ("ForwardKl", DpoScore.ForwardKl), ("JsDivergence", DpoScore.JsDivergence),
            ("AlphaDivergence", ratio => DpoScore.AlphaDivergence(ratio, 0.5)),
        ];
        foreach ((string name, Func<Tensor, Tensor> score) in divergences)
        {
            string member = "DpoScore." + name;
            yield return Null(member, "logRatio", () => score(null!), name);
            yield return Of<ArgumentException>(member, () => score(ones(2, ScalarType.Int64)), ["logRatio", "floating", "Int64"]);
            yield return Of<ArgumentException>(member, () => score(Disposed(ones(2))), ["logRatio", "was disposed"]);
        }
        foreach (double x in new[] { double.NaN, double.PositiveInfinity })
            yield return Of<ArgumentOutOfRangeException>(
                "DpoScore.AlphaDivergence", () => DpoScore.AlphaDivergence(ones(2), x), [$"coefficient ({Number(x)})", "a finite number"],
                Number(x));
    }

    private static IEnumerable<BadInput> Ppo()
    {
        (string Name, string[] Parameters, Func<Tensor, Tensor, Tensor, Tensor, double, PpoLossTerms> Loss)[] losses =
        [
            ("Policy", ["logProbs", "oldLogProbs", "advantages", "mask"], PpoLoss.Policy),
            ("Value", ["values", "oldValues", "returns", "mask"], PpoLoss.Value),
        ];
        foreach ((string name, string[] parameters, Func<Tensor, Tensor, Tensor, Tensor, double, PpoLossTerms> loss) in losses)
        {
            string member = "PpoLoss." + name;
            for (int wrong = 0; wrong < 4; wrong++)
            {
                int at = wrong;
                Tensor[] good() => [ones(2, 3), ones(2, 3), ones(2, 3), ones(2, 3)];
                Action With(Func<Tensor> other) => () =>
                {
                    Tensor[] four = good();
                    four[at] = other();
                    loss(four[0], four[1], four[2], four[3], 0.2);
                };
                yield return Null(member, parameters[at], With(() => null!), $"{parameters[at]} null");
                yield return Of<ArgumentException>(
                    member, With(() => ones(1, 3)), [$"{parameters[at]} [1, 3]", "one shape"], $"{parameters[at]} of another shape");
                yield return Of<ArgumentException>(
                    member, With(() => Disposed(ones(2, 3))), [parameters[at], "was disposed"], $"{parameters[at]} disposed");
            }
            foreach (double range in NotPositive)
                yield return Of<ArgumentOutOfRangeException>(
                    member, () => loss(ones(2), ones(2), ones(2), ones(2), range), [$"clipRange ({Number(range)})", "greater than 0"],
                    Number(range));
        }
    }

    private static IEnumerable<BadInput> Controllers() =>
    [
        .. new[] { -0.1, double.NaN, double.PositiveInfinity }.Select(x => Of<ArgumentOutOfRangeException>(
            "FixedKlController.#ctor", () => new FixedKlController(x), [$"value ({Number(x)})", "0 or greater"], Number(x))),
        .. new[] { -0.1, double.NaN }.Select(x => Of<ArgumentOutOfRangeException>(
            "AdaptiveKlController.#ctor", () => new AdaptiveKlController(x, 6, 100), [$"initial ({Number(x)})", "0 or greater"],
            $"initial {x}")),
        .. NotPositive.Select(x => Of<ArgumentOutOfRangeException>(
            "AdaptiveKlController.#ctor", () => new AdaptiveKlController(0.2, x, 100), [$"target ({Number(x)})", "greater than 0"],
            $"target {x}")),
        .. NotPositive.Select(x => Of<ArgumentOutOfRangeException>(
            "AdaptiveKlController.#ctor", () => new AdaptiveKlController(0.2, 6, x), [$"horizon ({Number(x)})", "greater than 0"],
            $"horizon {x}")),
        .. new[] { double.NaN, double.NegativeInfinity }.Select(x => Of<ArgumentOutOfRangeException>(
            "AdaptiveKlController.Update", () => new AdaptiveKlController(0.2, 6, 100).Update(x, 1), [$"meanKl ({Number(x)})", "finite"],
            Number(x))),
        .. new[] { 0, -4 }.Select(x => Of<ArgumentOutOfRangeException>(
            "AdaptiveKlController.Update", () => new AdaptiveKlController(0.2, 6, 100).Update(1, x), [$"samples ({x})", "1 or greater"],
            $"samples {x}")),
    ];

    private static IEnumerable<BadInput> Moments() =>
    [
        Null("RunningMoments.Update", "batch", () => new RunningMoments().Update(null!)),
        Of<ArgumentException>(
            "RunningMoments.Update", () => new RunningMoments().Update([]), ["The batch is empty", "at least one number"]),
        Of<ArgumentException>(
            "RunningMoments.Update", () => new RunningMoments().Update([1, double.NaN]), ["number 1 of", "NaN", "finite"]),
        Of<ArgumentException>(
            "RunningMoments.Update", () => new RunningMoments().Update([double.NegativeInfinity]), ["number 0 of", "-Infinity", "finite"]),
    ];
}
