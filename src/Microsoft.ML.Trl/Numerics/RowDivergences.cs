using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>How far two distributions are apart, row by row, in nats.</summary>
/// <param name="student">[n, V] log-probabilities.</param>
/// <param name="teacher">[n, V] log-probabilities.</param>
/// <param name="derives">Whether the derivative is wanted.</param>
/// <returns>[n] divergences, and their derivative by the student's logits [n, V]; both in the current scope.</returns>
internal delegate (Tensor Rows, Tensor? Slope) RowDivergence(Tensor student, Tensor teacher, bool derives);

/// <summary>Divergences of student p and teacher q, with derivatives by the logits z of the student. Call without gradients.</summary>
internal static class RowDivergences
{
    /// <summary>The generalized Jensen-Shannon divergence: arXiv:2306.13649, Eq. 1, whose ends are the two Kullback-Leibler ones.</summary>
    /// <param name="beta">Weight of the teacher in the mixture, in [0, 1]; 0 is KL(q ‖ p), 1 is KL(p ‖ q), as in TRL.</param>
    public static RowDivergence Jsd(double beta) => beta switch
    {
        0 => ForwardKl,
        1 => ReverseKl,
        _ => (student, teacher, derives) => BetweenKls(student, teacher, beta, derives),
    };

    /// <summary>KL(q ‖ p); ∂/∂z = p - q.</summary>
    private static (Tensor Rows, Tensor? Slope) ForwardKl(Tensor student, Tensor teacher, bool derives)
    {
        Tensor q = teacher.exp();                           // [n, V]
        Tensor rows = (q * (teacher - student)).sum(-1);    // [n]
        return (rows, derives ? student.exp().sub_(q) : null);
    }

    /// <summary>KL(p ‖ q); ∂/∂z = p (log p - log q - KL).</summary>
    private static (Tensor Rows, Tensor? Slope) ReverseKl(Tensor student, Tensor teacher, bool derives)
    {
        Tensor p = student.exp(), ratio = student - teacher; // [n, V]
        Tensor rows = (p * ratio).sum(-1, keepdim: true);    // [n, 1]
        return (rows.squeeze(-1), derives ? ratio.sub_(rows).mul_(p) : null);
    }

    /// <summary>β KL(q ‖ m) + (1 - β) KL(p ‖ m), m = β q + (1 - β) p; ∂/∂z = (1 - β) p (log p - log m - KL(p ‖ m)).</summary>
    private static (Tensor Rows, Tensor? Slope) BetweenKls(Tensor student, Tensor teacher, double beta, bool derives)
    {
        Tensor mixture = logaddexp(student + Math.Log(1 - beta), teacher + Math.Log(beta)); // [n, V]
        Tensor p = student.exp(), ratio = student - mixture;                                // [n, V]
        Tensor ofStudent = (p * ratio).sum(-1, keepdim: true);                              // [n, 1]
        Tensor ofTeacher = teacher.exp().mul_(teacher - mixture).sum(-1);                   // [n]
        Tensor rows = (beta * ofTeacher) + ((1 - beta) * ofStudent.squeeze(-1));
        return (rows, derives ? ratio.sub_(ofStudent).mul_(p).mul_(1 - beta) : null);
    }
}
