using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// Two classes told apart by a weighted sum of features: <c>p = σ(w·x + b)</c>. Minimises <c>½|w|² + Σ s·(cross entropy)</c>, which is
/// scikit-learn's LogisticRegression with its defaults, by Newton's method with step halving.
/// </summary>
internal sealed class LogisticRegression
{
    private const int MostSteps = 100;

    private readonly double[] _weights; // the last one is b

    private LogisticRegression(double[] weights) => _weights = weights;

    /// <summary>Learns from examples; both classes weigh the same in sum, however many examples each has.</summary>
    /// <param name="features">At least one vector of each class, all of one length, finite.</param>
    /// <param name="labels">Class of each vector.</param>
    public static LogisticRegression Fit(IReadOnlyList<float[]> features, IReadOnlyList<bool> labels)
    {
        using var frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int width = features[0].Length, positive = labels.Count(label => label);
        double up = labels.Count / (2.0 * positive), down = labels.Count / (2.0 * (labels.Count - positive));
        Tensor x = tensor(features.SelectMany(row => row.Select(value => (double)value).Append(1)).ToArray(), [features.Count, width + 1]);
        Tensor y = tensor(labels.Select(label => label ? 1.0 : 0).ToArray());
        Tensor s = tensor(labels.Select(label => label ? up : down).ToArray());
        Tensor ridge = tensor(Enumerable.Repeat(1.0, width).Append(0).ToArray());
        Tensor w = zeros(width + 1, dtype: ScalarType.Float64);
        double value = Objective(x, y, s, ridge, w);
        for (int step = 0; step < MostSteps; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor p = x.mv(w).sigmoid();                                                                     // [N]
            Tensor gradient = x.t().mv(s * (p - y)) + (ridge * w);                                            // [D + 1]
            Tensor curvature = x.t().matmul(x * (s * p * (1 - p)).unsqueeze(-1)) + diag(ridge + 1e-12);       // [D + 1, D + 1]
            Tensor move = linalg.solve(curvature, gradient);
            double scale = 1, next;
            while ((next = Objective(x, y, s, ridge, w - (move * scale))) > value && scale > 1e-6)
                scale /= 2;
            w.sub_(move * scale);
            bool isDone = value - next <= 1e-12 * Math.Abs(value);
            value = next;
            if (isDone)
                break;
        }
        return new LogisticRegression(w.data<double>().ToArray());
    }

    /// <summary>Probability that a vector is of the class true.</summary>
    public double Probability(float[] features)
    {
        double sum = _weights[^1];
        for (int i = 0; i < features.Length; i++)
            sum += _weights[i] * features[i];
        return 1 / (1 + Math.Exp(-sum));
    }

    private static double Objective(Tensor x, Tensor y, Tensor s, Tensor ridge, Tensor w)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor z = x.mv(w);
        Tensor loss = nn.functional.softplus(z) - (y * z); // [N] cross entropy
        return ((s * loss).sum() + ((ridge * w * w).sum() / 2)).item<double>();
    }
}
