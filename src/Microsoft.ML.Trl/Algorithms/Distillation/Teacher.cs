using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>The model that is learnt from: read, never changed.</summary>
internal static class Teacher
{
    /// <summary>Opens a teacher; without a copy where it is in memory in the right place.</summary>
    /// <param name="source">Where it is.</param>
    /// <param name="kind">How it is held.</param>
    /// <param name="place">Where the student is.</param>
    /// <param name="student">Must read the same token ids.</param>
    /// <exception cref="ArgumentException">The two do not read the same token ids, or lay prompts out differently.</exception>
    /// <exception cref="NotSupportedException">It is to be held in few bits on a GPU.</exception>
    public static Borrowed<LanguageModel> Open(ModelSource source, ReferenceKind kind, Placement place, LanguageModel student)
    {
        if (kind == ReferenceKind.Int8)
            place = place with { Quantization = WeightQuantization.Int8 };
        QuantizedWeights.Check(place.Device, place.Quantization);
        Borrowed<LanguageModel> teacher = source.SharedPolicy(place) ?? Borrowed<LanguageModel>.Own(source.OpenPolicy(place));
        try
        {
            Check(teacher.Model.Network, student.Network);
            if (!student.Tokenizer.IsReadBy(teacher.Model.Tokenizer))
                throw new ArgumentException(
                    "The tokenizers of teacher and student give other meanings to the same token ids, so that their distributions cannot "
                    + "be compared; use a teacher with the student's tokenizer.");
            teacher.Model.Network.eval();
            return teacher;
        }
        catch
        {
            teacher.Dispose();
            throw;
        }
    }

    /// <summary>Fails unless the distributions of two networks can be compared position by position.</summary>
    /// <exception cref="ArgumentException">They cannot; the message says why.</exception>
    public static void Check(CausalLanguageModel teacher, CausalLanguageModel student)
    {
        (int theirs, int ours) = (teacher.Config.VocabularySize, student.Config.VocabularySize);
        if (theirs != ours)
            throw new ArgumentException(
                $"The teacher has a vocabulary of {theirs} tokens, the student one of {ours}; their distributions are compared token by "
                + "token, so use a teacher with the student's vocabulary.");
        if (teacher.Layout != student.Layout)
            throw new ArgumentException(
                $"The teacher ({teacher.Config.ModelType}) and the student ({student.Config.ModelType}) read prompts differently: with an "
                + "encoder, or before the answer; use two models of the same kind.");
    }

    /// <summary>What it says where a label is predicted.</summary>
    /// <param name="teacher">In evaluation.</param>
    /// <param name="batch">As the student reads it.</param>
    /// <returns>[N, H'], no gradient. The caller owns it.</returns>
    public static Tensor Hidden(CausalLanguageModel teacher, TokenBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        return teacher.HiddenAt(batch).MoveToOuterDisposeScope();
    }
}
